/* kettle: a seq2point network for a reading every 6 s
 *
 * Network: channels (4, 4), kernels (5, 3), 8 hidden units.
 * Scales, inside the weights: mains (P - 522) / 814, kettle (P - 700) / 1000.
 * Trained on: 1 (7647 readings).
 * Calibrated on: 1, 0.5 days.
 * SHA-256 of the float weights: f43a97ade5fb680340784bca579b04bc706fce3ed9dcecad5ab6857973172ff8.
 * Made by seq2point 0.1.0, Apache-2.0.
 *
 * One reading goes in every 6 s; the answer that comes out belongs to the reading 16 readings before it. The answer
 * needs the 33 readings around it: 16 before and 16 after. After a start, and after a gap, there is none until
 * 33 readings are in.
 *
 *     static s2p_state state;
 *     float power_w[S2P_OUTPUTS];
 *     s2p_init(&state);
 *     for (;;)
 *         if (s2p_feed(&state, read_the_meter(), power_w))
 *             ...
 *
 * A state belongs to one meter and is all the memory that this needs beside a little stack. Nothing here allocates or blocks.
 */
#ifndef S2P_KETTLE_H
#define S2P_KETTLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define S2P_PERIOD_S 6 /* seconds between readings */
#define S2P_WINDOW 33 /* readings that an answer is made from */
#define S2P_TARGET_INDEX 16 /* the one of them that it belongs to */
#define S2P_DELAY 16 /* readings that come after that one */
#define S2P_OUTPUTS 1 /* appliances, in this order: */
#define S2P_OUTPUT_KETTLE 0

typedef struct {
    uint16_t head[4]; /* where each layer's next column goes */
    uint16_t filled[4]; /* how many columns each layer has */
    int16_t rings[133]; /* the last columns that the layers read */
} s2p_state;

/* Forget all readings. */
void s2p_init(s2p_state *state);

/* Take the next reading, in watts. Returns 1 when there is an answer, S2P_OUTPUTS numbers in power_w in watts, none below zero;
 * else 0, and power_w stays as it was. NAN (a reading that is missing, as an infinite one) is a gap: it resets the state.
 * Readings beyond -32767 W and 32767 W count as those. */
int s2p_feed(s2p_state *state, float mains_w, float *power_w);

/* Check the tables against their sum, and the answers to a stretch of readings against what they must be. Returns 1 when all is
 * well, else 0. Uses the state, which is as after s2p_init when it returns. */
int s2p_self_test(s2p_state *state);

#ifdef __cplusplus
}
#endif

#endif
