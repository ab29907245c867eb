/* For a Cortex-M4 in QEMU (machine mps2-an386), without a C runtime: readings from the file readings.bin, float32; to answers.bin, for
 * each, a byte that says whether there is an answer, and the answers. Leaves with 0, or with 3 when the self-test fails. The ticks of
 * 40 ns that the readings took, which with -icount shift=0 are 40 instructions each, go to ticks.bin, uint32. */
#include "model.h"

#include <stddef.h>

enum { OPEN = 0x01, WRITE = 0x05, READ = 0x06, EXIT = 0x20 };
enum { READ_BINARY = 1, WRITE_BINARY = 5 };

#define SYSTICK ((volatile uint32_t *)0xe000e010)
#define LEAVES_WELL 0x20026u

extern uint32_t stack_top, bss_begin, bss_end;
void reset(void);
void fault(void);

__attribute__((section(".vectors"), used)) static void *const vectors[] = {&stack_top, reset, fault, fault};

static s2p_state state;

static int host(int operation, const void *arguments)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static int opened(const char *name, uint32_t length, int mode)
{
    const uint32_t arguments[] = {(uint32_t)name, (uint32_t)mode, length};
    return host(OPEN, arguments);
}

static int moved(int operation, int file, void *bytes, uint32_t count)
{
    const uint32_t arguments[] = {(uint32_t)file, (uint32_t)bytes, count};
    return host(operation, arguments) == 0;
}

static void leave(uint32_t code)
{
    const uint32_t arguments[] = {LEAVES_WELL, code};
    host(EXIT, arguments);
    for (;;)
        ;
}

void fault(void)
{
    leave(4);
}

void reset(void)
{
    uint32_t *at, ticks = 0;
    float mains_w, power_w[S2P_OUTPUTS] = {0};
    int readings, answers;
    for (at = &bss_begin; at < &bss_end; at++)
        *at = 0;
    SYSTICK[1] = 0xffffff;
    SYSTICK[0] = 5;
    readings = opened("readings.bin", 12, READ_BINARY);
    answers = opened("answers.bin", 11, WRITE_BINARY);
    if (!s2p_self_test(&state))
        leave(3);
    while (moved(READ, readings, &mains_w, sizeof mains_w)) {
        uint32_t before = SYSTICK[2];
        unsigned char answered = (unsigned char)s2p_feed(&state, mains_w, power_w);
        ticks += (before - SYSTICK[2]) & 0xffffff;
        moved(WRITE, answers, &answered, 1);
        moved(WRITE, answers, power_w, sizeof power_w);
    }
    moved(WRITE, opened("ticks.bin", 9, WRITE_BINARY), &ticks, sizeof ticks);
    leave(0);
}
