/* Readings in on standard input, float32; out for each a byte, whether there is an answer, and what is in power_w. */
#include "$header"

#include <stdio.h>

static s2p_state state;

int main(void)
{
    float mains_w, power_w[S2P_OUTPUTS] = {0};
    if (!s2p_self_test(&state))
        return 3;
    while (fread(&mains_w, sizeof mains_w, 1, stdin) == 1) {
        putchar(s2p_feed(&state, mains_w, power_w));
        fwrite(power_w, sizeof power_w, 1, stdout);
    }
    return 0;
}
