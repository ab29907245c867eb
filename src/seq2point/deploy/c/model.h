/* $title
 *
$about
 *
 * Feed one reading every $period s. It gives the prediction for the reading $delay readings before
 * it. A prediction needs $window readings: $target before that one and $delay after it. After a
 * start, and after a gap of more than $fill readings, there is none until $window readings are in.
 *
 *     static s2p_state state;
 *     float power_w[S2P_OUTPUTS];
 *     s2p_init(&state);
 *     for (;;)
 *         if (s2p_feed(&state, read_the_meter(), power_w))
 *             ...
 *
 * Each meter needs a state of its own. It is all the memory needed beside a little stack. Nothing
 * here allocates or blocks.
 */
#ifndef $guard
#define $guard

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define S2P_PERIOD_S $period /* seconds between readings */
#define S2P_WINDOW $window /* readings that a prediction needs */
#define S2P_TARGET_INDEX $target /* the reading among them that is predicted */
#define S2P_DELAY $delay /* readings that come after that reading */
#define S2P_FILL $fill /* missing readings in a row that are filled with the reading before them */
#define S2P_OUTPUTS $outputs /* appliances, in this order */
$appliances

typedef struct {
    uint16_t head[$layers]; /* place of each layer's next column */
    uint16_t filled[$layers]; /* number of columns that each layer has */
    int32_t last; /* the last reading */
    uint32_t missing; /* number of readings that are missing since */
    int16_t rings[$ring_numbers]; /* the last columns that the layers read */
${features_memory}} s2p_state;

/* Forget all readings. */
void s2p_init(s2p_state *state);

/* Take the next reading, in watts. Returns 1 when there is a prediction: then power_w holds
 * S2P_OUTPUTS numbers in watts, none below zero. Else returns 0, and power_w stays as it was.
 *
 * A reading is missing where it is NAN, infinite, or more than a house can draw ($absurd W). Up to
 * S2P_FILL missing readings in a row are filled with the reading before them. One more resets the
 * state. Readings are clipped to -$most_mains W and $most_mains W. */
int s2p_feed(s2p_state *state, float mains_w, float *power_w);

/* Check the tables against their checksum, and the predictions of a stretch of readings against
 * those stored here. Returns 1 where both agree, else 0. Uses the state, and resets it as s2p_init
 * does. */
int s2p_self_test(s2p_state *state);

#ifdef __cplusplus
}
#endif

#endif
