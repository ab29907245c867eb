/* $title
 *
$about
 *
 * One reading goes in every $period s; the answer that comes out belongs to the reading $delay readings before it. The answer
 * needs the $window readings around it: $target before and $delay after. After a start, and after a gap of more than $fill
 * readings, there is none until $window readings are in.
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
#ifndef $guard
#define $guard

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define S2P_PERIOD_S $period /* seconds between readings */
#define S2P_WINDOW $window /* readings that an answer is made from */
#define S2P_TARGET_INDEX $target /* the one of them that it belongs to */
#define S2P_DELAY $delay /* readings that come after that one */
#define S2P_FILL $fill /* missing readings in a row that are filled with the reading before them */
#define S2P_OUTPUTS $outputs /* appliances, in this order: */
$appliances

typedef struct {
    uint16_t head[$layers]; /* where each layer's next column goes */
    uint16_t filled[$layers]; /* how many columns each layer has */
    int32_t last; /* the last reading */
    uint32_t missing; /* how many are missing since */
    int16_t rings[$ring_numbers]; /* the last columns that the layers read */
${features_memory}} s2p_state;

/* Forget all readings. */
void s2p_init(s2p_state *state);

/* Take the next reading, in watts. Returns 1 when there is an answer, S2P_OUTPUTS numbers in power_w in watts, none below zero;
 * else 0, and power_w stays as it was. NAN is a reading that is missing, and so is an infinite one or one that no house can
 * draw (beyond $absurd W): up to S2P_FILL in a row are filled with the reading before them; one more resets the state.
 * Readings beyond -$most_mains W and $most_mains W count as those. */
int s2p_feed(s2p_state *state, float mains_w, float *power_w);

/* Check the tables against their sum, and the answers to a stretch of readings against what they must be. Returns 1 when all is
 * well, else 0. Uses the state, which is as after s2p_init when it returns. */
int s2p_self_test(s2p_state *state);

#ifdef __cplusplus
}
#endif

#endif
