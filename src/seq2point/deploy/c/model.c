/* $title
 *
 * It needs C99 and the standard library alone. The tables follow the code; s2p_self_test checks
 * both.
 */
#include "$header"

#include <stddef.h>
#include <string.h>

#define LAYERS $layers
#define FEATURES $features /* number of the first Linear, which reads the features */
#define WIDEST $widest /* numbers in the widest column */
#define INPUT_STEPS ${input_steps}f /* steps in a watt of a reading */
#define INPUT_MOST $input_most
#define ABSURD_W ${absurd}f /* no house draws more: a higher reading is missing */
#define OUTPUT_STEPS ${output_steps}f /* steps in a watt of a prediction */
#define WEIGHTS $weight_count
#define CONSTANTS $constant_count
#define CHECKSUM ${checksum}u
#define TEST_READINGS $test_readings
#define TEST_ANSWERS $test_answers

/* A layer gives `outputs` numbers from the last `columns` columns of `inputs` numbers. `ring`,
 * `weights` and `constants` say where it begins in rings[], in weights[], and in the three tables of
 * its outputs. Weights are [outputs][columns][inputs]$but_where. */
typedef struct {
    uint16_t inputs, columns, outputs;
    uint32_t ring, weights, constants;
    int32_t least, most;
} layer;

static const layer layers[LAYERS];
static const int8_t weights[WEIGHTS];
static const int32_t bias[CONSTANTS];
static const int32_t multiplier[CONSTANTS];
static const uint8_t shift[CONSTANTS];
static const int16_t test_readings[TEST_READINGS];
static const int32_t test_answers[TEST_ANSWERS * S2P_OUTPUTS];

static int32_t dot(const int8_t *w, const int16_t *x, size_t count)
{
    int32_t sum = 0;
    for (; count >= 4; count -= 4, w += 4, x += 4)
        sum += (int32_t)w[0] * x[0] + (int32_t)w[1] * x[1] + (int32_t)w[2] * x[2] + (int32_t)w[3] * x[3];
    for (; count > 0; count--)
        sum += (int32_t)*w++ * *x++;
    return sum;
}

/* Return sum * by / 2^down, rounded with halves away from zero, clamped to least and most. */
static int32_t rescaled(int32_t sum, int32_t by, unsigned down, int32_t least, int32_t most)
{
    uint64_t size = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    size = (size * (uint32_t)by + ((uint64_t)1 << (down - 1))) >> down;
    if (sum < 0)
        return size >= (uint64_t)-(int64_t)least ? least : -(int32_t)size;
    return size >= (uint64_t)most ? most : (int32_t)size;
}

/* Turn the sums of products of a layer into its outputs, in place. */
static void finish(const layer *l, int32_t *column)
{
    size_t o;
    for (o = 0; o < l->outputs; o++) {
        size_t c = l->constants + o;
        column[o] = rescaled(column[o] + bias[c], multiplier[c], shift[c], l->least, l->most);
    }
}

/* Step on to the place of layer i's next column. Returns whether the layer has all its columns. */
static int advance(s2p_state *state, size_t i)
{
    uint16_t columns = layers[i].columns;
    state->head[i] = (uint16_t)(state->head[i] + 1 == columns ? 0 : state->head[i] + 1);
    if (state->filled[i] < columns)
        state->filled[i]++;
    return state->filled[i] == columns;
}

/* Compute layer i: takes a column, and gives its outputs in place of it. Returns 0 while the layer
 * has too few columns. The oldest column is at the head of the ring, the newest before it. */
static int convolve(s2p_state *state, size_t i, int32_t *column)
{
    const layer *l = &layers[i];
    const int8_t *w = weights + l->weights;
    int16_t *ring = state->rings + l->ring;
    size_t size = (size_t)l->columns * l->inputs, at = (size_t)state->head[i] * l->inputs, k;
    for (k = 0; k < l->inputs; k++)
        ring[at + k] = (int16_t)column[k];
    if (!advance(state, i))
        return 0;
    at = (size_t)state->head[i] * l->inputs;
    for (k = 0; k < l->outputs; k++, w += size)
        column[k] = dot(w, ring + at, size - at) + dot(w + (size - at), ring, at);
    finish(l, column);
    return 1;
}

$first_linear

/* Compute all layers for a reading in steps; the predictions, in steps, are then in column. Returns 0
 * while there are none. */
static int feed(s2p_state *state, int32_t reading, int32_t *column)
{
    size_t i;
    column[0] = reading;
    for (i = 0; i < LAYERS; i++)
        if (!(i == FEATURES ? first_linear(state, column) : convolve(state, i, column)))
            return 0;
    return 1;
}

/* Return whether a number is NAN or infinite, by its bits: this holds under -ffast-math too. */
static int is_gap(float mains_w)
{
    uint32_t bits;
    memcpy(&bits, &mains_w, sizeof bits);
    return (bits & 0x7f800000u) == 0x7f800000u;
}

/* Return the nearest step, halves away from zero. Every operation is exact, so that neither the
 * rounding mode nor wider registers matter. */
static int32_t in_steps(float mains_w)
{
    float steps = mains_w * INPUT_STEPS, rest;
    int32_t whole;
    if (steps >= INPUT_MOST)
        return INPUT_MOST;
    if (steps <= -INPUT_MOST)
        return -INPUT_MOST;
    whole = (int32_t)steps;
    rest = steps - (float)whole;
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

void s2p_init(s2p_state *state)
{
    memset(state, 0, sizeof *state);
}

int s2p_feed(s2p_state *state, float mains_w, float *power_w)
{
    int32_t column[WIDEST];
    size_t a;
    if (!is_gap(mains_w) && mains_w >= -ABSURD_W && mains_w <= ABSURD_W) {
        state->last = in_steps(mains_w);
        state->missing = 0;
    } else if (state->filled[0] == 0 || state->missing == S2P_FILL) {
        s2p_init(state);
        return 0;
    } else {
        state->missing++;
    }
    if (!feed(state, state->last, column))
        return 0;
    for (a = 0; a < S2P_OUTPUTS; a++)
        power_w[a] = (float)column[a] / OUTPUT_STEPS;
    return 1;
}

/* Return the CRC-32 after one more number of so many bytes, the lowest first. */
static uint32_t checked(uint32_t crc, uint32_t number, unsigned bytes)
{
    unsigned bit;
    for (; bytes > 0; bytes--, number >>= 8) {
        crc ^= number & 0xffu;
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1u ? 0xedb88320u : 0u);
    }
    return crc;
}

static uint32_t checksum(void)
{
    uint32_t crc = 0xffffffffu;
    size_t i;
    for (i = 0; i < WEIGHTS; i++)
        crc = checked(crc, (uint8_t)weights[i], 1);
    for (i = 0; i < CONSTANTS; i++) {
        crc = checked(crc, (uint32_t)bias[i], 4);
        crc = checked(crc, (uint32_t)multiplier[i], 4);
        crc = checked(crc, shift[i], 1);
    }
    return ~crc;
}

int s2p_self_test(s2p_state *state)
{
    const int32_t *answer = test_answers;
    float power_w[S2P_OUTPUTS];
    size_t i, a;
    int well = checksum() == CHECKSUM;
    s2p_init(state);
    for (i = 0; i < TEST_READINGS; i++)
        if (s2p_feed(state, test_readings[i] / INPUT_STEPS, power_w) != (i >= S2P_WINDOW - 1))
            well = 0;
        else if (i >= S2P_WINDOW - 1)
            for (a = 0; a < S2P_OUTPUTS; a++)
                well &= power_w[a] == (float)*answer++ / OUTPUT_STEPS;
    s2p_init(state);
    return well;
}

static const layer layers[LAYERS] = {
$layer_table
};
static const int8_t weights[WEIGHTS] = {
$weight_table
};
static const int32_t bias[CONSTANTS] = {
$bias_table
};
static const int32_t multiplier[CONSTANTS] = {
$multiplier_table
};
static const uint8_t shift[CONSTANTS] = {
$shift_table
};
static const int16_t test_readings[TEST_READINGS] = {
$readings_table
};
static const int32_t test_answers[TEST_ANSWERS * S2P_OUTPUTS] = {
$answers_table
};

/* The metadata of this file. It ends with the SHA-256 of the whole file with zeros in its place.
$metadata
 */
