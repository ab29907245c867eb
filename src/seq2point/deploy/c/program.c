/* Read readings, float32, from standard input. Write for each a byte, whether it gives a prediction,
 * and the numbers in power_w. Exit with 3 where the self-test fails. */
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
