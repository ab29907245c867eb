/* kettle: a seq2point network for a reading every 6 s
 *
 * C99 and the standard library alone. The tables follow the code; s2p_self_test holds both to what they were made as.
 */
#include "kettle.h"

#include <stddef.h>
#include <string.h>

#define LAYERS 4
#define FEATURES 2 /* the first Linear, which reads the features */
#define WIDEST 8 /* numbers in the widest column */
#define INPUT_STEPS 1.0f /* steps in a watt of a reading */
#define INPUT_MOST 32767
#define OUTPUT_STEPS 64.0f /* steps in a watt of an answer */
#define WEIGHTS 940
#define CONSTANTS 17
#define CHECKSUM 2881235276u
#define TEST_READINGS 40
#define TEST_ANSWERS 8

/* A layer gives `outputs` numbers from the last `columns` columns of `inputs` numbers. `ring`, `weights` and `constants` say where in
 * rings[], in weights[] and in the three tables of its outputs it begins; weights are [outputs][columns][inputs]. */
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

/* sum * by / 2^down, the nearest, halves away from zero, no further than least and most. */
static int32_t rescaled(int32_t sum, int32_t by, unsigned down, int32_t least, int32_t most)
{
    uint64_t size = sum < 0 ? 0u - (uint32_t)sum : (uint32_t)sum;
    size = (size * (uint32_t)by + ((uint64_t)1 << (down - 1))) >> down;
    if (sum < 0)
        return size >= (uint64_t)-(int64_t)least ? least : -(int32_t)size;
    return size >= (uint64_t)most ? most : (int32_t)size;
}

/* From the sums of products of a layer to what it gives. */
static void finish(const layer *l, int32_t *column)
{
    size_t o;
    for (o = 0; o < l->outputs; o++) {
        size_t c = l->constants + o;
        column[o] = rescaled(column[o] + bias[c], multiplier[c], shift[c], l->least, l->most);
    }
}

/* Step on to where layer i's next column goes. Returns whether the layer has all the columns that it reads. */
static int advance(s2p_state *state, size_t i)
{
    uint16_t columns = layers[i].columns;
    state->head[i] = (uint16_t)(state->head[i] + 1 == columns ? 0 : state->head[i] + 1);
    if (state->filled[i] < columns)
        state->filled[i]++;
    return state->filled[i] == columns;
}

/* Layer i: takes a column, gives one in its place. Returns 0 while it has too few. From the head on, the ring goes from its oldest
 * column to its end and on to the newest. */
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

#define first_linear(state, column) convolve(state, FEATURES, column)

/* Readings in steps in, answers in steps out. */
static int feed(s2p_state *state, int32_t reading, int32_t *column)
{
    size_t i;
    column[0] = reading;
    for (i = 0; i < LAYERS; i++)
        if (!(i == FEATURES ? first_linear(state, column) : convolve(state, i, column)))
            return 0;
    return 1;
}

/* NAN or infinite, told by its bits: this holds under -ffast-math too. */
static int is_gap(float mains_w)
{
    uint32_t bits;
    memcpy(&bits, &mains_w, sizeof bits);
    return (bits & 0x7f800000u) == 0x7f800000u;
}

/* The nearest step, halves away from zero. Every operation is exact, so that no rounding mode or wider register matters. */
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
    if (is_gap(mains_w)) {
        s2p_init(state);
        return 0;
    }
    if (!feed(state, in_steps(mains_w), column))
        return 0;
    for (a = 0; a < S2P_OUTPUTS; a++)
        power_w[a] = (float)column[a] / OUTPUT_STEPS;
    return 1;
}

/* CRC-32 of one more number of so many bytes, the lowest first. */
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
    {1, 5, 4, 0, 0, 0, 0, 32767},
    {4, 3, 4, 5, 20, 4, 0, 32767},
    {4, 27, 8, 17, 68, 8, 0, 32767},
    {8, 1, 1, 125, 932, 16, 0, 2147483647},
};
static const int8_t weights[WEIGHTS] = {
    -127, 4, -35, -126, 14, 105, -102, -127, -9, 17, -74, 48, 127, 75, 98, 119, 59, -127, -41, 20, 93, -44, -77, -99,
    -127, -125, 17, -10, 53, 16, -72, -36, 127, 65, 7, -39, 59, -4, 16, -54, 118, 105, -81, -59, -127, 48, -90, 4, -10,
    107, -74, -4, -32, 40, -78, 18, -127, 107, 41, -87, -11, 35, 66, 54, 95, -57, -116, -16, -29, 26, -4, -27, -15, 41,
    -11, -28, 23, -14, -30, 11, -5, 22, 9, -1, 34, 56, -32, -18, 38, 34, -10, -28, 13, 46, 16, 1, 5, 0, 9, 20, -5, -16,
    32, -24, 6, 34, 44, -20, 15, 40, 21, 18, -22, 100, 33, -18, -2, 48, 64, -28, -24, 22, 17, -25, 31, 49, 11, -20, -17,
    15, -102, -36, 43, 38, -72, -21, -2, 39, -42, -8, -15, 9, -54, -47, 25, 1, -39, 0, 13, 20, -37, -31, 34, -18, -46,
    -35, 24, 44, -48, 16, -30, -28, -34, -21, 32, -23, -56, -67, 1, 1, -47, -58, -10, 40, -127, -71, 14, 54, 42, 13, -8,
    54, 45, 5, -13, 38, 0, 29, -4, 60, 7, 31, -7, 40, 28, 9, 10, 12, 31, 12, -26, 25, 41, 13, -8, 11, 25, 7, 5, -14, 3,
    -15, -16, -15, 32, -34, -17, -56, 2, -40, 3, -105, 7, -22, -25, -127, -3, -48, -3, -102, -2, -7, -23, -96, -6, -5,
    5, -113, -3, -26, -24, -114, -38, 15, 8, -106, -32, 26, -23, -101, -37, -11, -20, -97, -26, 8, -4, -86, 11, 28, 16,
    -95, 6, -10, -16, -40, -4, 15, -8, -61, 5, 12, 20, -37, 4, 53, -4, -17, 25, 78, -2, 17, 25, 45, 18, 108, -84, -6,
    12, 80, -4, -79, -80, -27, -70, -88, -53, 17, 15, 42, -79, -120, -108, -9, -65, -105, -56, -31, -46, -97, -35, -50,
    44, -119, 40, -96, -29, -25, 25, -110, 27, -42, 10, -127, 53, -17, -36, 9, 18, 0, -79, 5, -78, -87, -80, -43, 21,
    -36, -98, -29, 13, -16, -23, 28, 40, -7, -2, -56, -85, 8, -60, -12, 29, -59, -45, -11, 44, -56, -70, -72, -81, 21,
    -15, -6, -7, -61, -12, -12, 47, -83, -116, 74, -66, 12, -69, -4, 9, 11, 5, 44, 17, -40, -45, 50, 5, -19, 3, -6, 57,
    -24, 31, 33, 69, -23, 17, -74, -57, -2, -9, -17, 69, -41, -31, 47, 62, -9, 18, -56, 66, 57, -64, -73, -26, -88, 5,
    -87, 63, -36, -65, -53, -56, -65, -4, -127, -48, 47, -54, -123, 16, 45, 38, 44, 2, -34, 77, -85, 31, -63, 52, -59,
    67, -89, -31, -66, -74, 30, 28, -116, 29, -41, -89, -61, 11, 48, -41, -13, 28, 14, 18, -64, 24, 41, 9, -37, -52, 34,
    -45, -31, -88, -93, -23, -125, 54, -11, 2, 22, -68, -78, -37, 30, 39, 3, 20, 17, -103, -48, 8, -67, -33, -35, -7,
    10, -16, -106, -93, -119, -2, -124, -121, -63, 0, 24, -56, 11, -8, 29, -84, -19, 35, 18, -80, 41, -14, -21, -46,
    -47, 5, 57, -78, 9, -5, 14, -49, 38, -41, 39, -41, -18, 2, 27, -36, 32, -36, 23, -35, -5, 44, -64, 31, -41, 41, -18,
    32, -31, 64, 107, -2, 17, -7, 67, -2, -31, 14, 8, 45, -1, 23, 127, 35, 32, 67, 63, -92, 9, 62, 73, -43, -3, -18,
    -29, -42, 11, -37, 26, -57, -39, -40, -14, -6, -48, -16, -22, -67, -29, 59, -12, -30, -40, 30, -27, -63, 3, 66, 25,
    -38, 2, 53, -11, -43, -60, 12, 48, -36, -115, -23, 19, -100, -44, -29, -110, 11, -53, 7, -25, 1, 18, -51, 73, -57,
    -44, -13, 1, -71, -68, 63, -64, 22, 6, -47, -25, 16, -6, -19, 3, 14, -67, 95, -52, 27, -67, -6, -77, 45, 28, 1, 62,
    50, 54, 5, 95, 69, -9, 67, 100, -16, -61, -21, 107, -20, 16, 43, 69, 44, -21, 68, 95, -18, -107, 27, 63, -97, -65,
    49, -1, -127, 20, -30, 59, -52, 39, 55, 29, -33, -39, 48, 22, -48, 17, -5, -32, -70, -57, -49, 20, -9, 51, 34, -79,
    -87, 37, 68, 20, -47, 17, 5, 46, -81, 48, 53, -2, 60, 21, 39, -107, -44, -77, 10, -19, -10, -15, 25, -43, 30, -26,
    -1, 42, -17, -28, 62, 2, -1, -12, -10, -7, 12, -26, -37, -53, 13, 23, -14, -1, 31, -25, -39, -60, 8, 4, 55, -45, -3,
    -31, -13, 3, 28, -17, -26, 54, -4, 37, 5, 77, 61, -26, -25, 53, 20, -6, -17, 30, -47, 34, 39, 95, 17, 0, -29, 64,
    -88, -34, 37, 62, -66, -37, 51, 17, -59, -24, 10, 37, -57, -21, 33, -60, -34, 17, -20, 29, -48, -8, 54, -31, -62,
    27, 63, -12, -42, -32, 25, 7, -59, -2, 60, 4, -48, 5, -41, 0, -6, -12, 4, 16, -127, -10, 28, -127, -53, 62, 28, -6,
    9, 62, -10, -109, 44, -49, 69, -22, -17, -52, -19, -15, 13, -16, 6, -1, -68, -1, -37, -27, -66, 16, -48, 16, -66, 8,
    70, 49, -29, 35, 32, 21, -69, -40, 89, 89, -79, -46, 84, 73, -2, 7, 66, 95, -21, -7, 59, 89, 42, -70, 10, 78, -73,
    -19, 68, 32, -29, -68, 61, -38, -82, -32, 54, 5, -18, -43, 14, 32, -36, 45, 38, 66, 17, -67, 7, -66, 29, -30, -26,
    40, 59, -83, 44, -84, 54, 29, -48, -64, -10, -55, 56, -71, 103, 33, -35, -12, -64, -28, 1, -22, 48, -69, -72, 62,
    68, 87, -14, -127, -70, -36
};
static const int32_t bias[CONSTANTS] = {
    151382, 58678, -123062, -105036, -16133, 43472, -34853, -14897, 304133, -29104, -185479, -274380, 228088, 785710,
    561688, 398552, 480375
};
static const int32_t multiplier[CONSTANTS] = {
    1720521827, 1233911038, 1598986279, 1521264666, 1405322023, 1293873611, 1789194728, 1176848425, 1243048389,
    1160369791, 1348581464, 2144350878, 1725966206, 1153538601, 1796574868, 1283162175, 1577463396
};
static const uint8_t shift[CONSTANTS] = {
    38, 37, 38, 38, 36, 36, 36, 36, 38, 37, 39, 40, 39, 39, 39, 39, 34
};
static const int16_t test_readings[TEST_READINGS] = {
    216, 219, 217, 201, 200, 200, 201, 214, 214, 205, 204, 205, 207, 2657, 2668, 2684, 2690, 2695, 2672, 2698, 2691,
    2678, 2697, 2712, 2699, 2727, 2742, 213, 214, 216, 221, 214, 217, 216, 228, 225, 222, 224, 221, 225
};
static const int32_t test_answers[TEST_ANSWERS * S2P_OUTPUTS] = {
    125109, 107952, 88409, 60164, 38823, 44108, 38212, 42158
};

/* What seq2point knows of this file; at its end the SHA-256 of all of it, with zeros in that place.
{"format": 1, "appliances": [{"name": "kettle", "max_power_w": 3100.0, "on_power_w": 2000.0, "min_on_s": 12.0, "min_off_s": 0.0, "mean_w": 700.0, "std_w": 1000.0}], "period_s": 6.0, "window": 33, "target_index": 16, "sliding": true, "scale": {"mains_mean_w": 522.0, "mains_std_w": 814.0, "appliance_mean_w": [700.0], "appliance_std_w": [1000.0]}, "model": {"window": 33, "target_index": 16, "channels": [4, 4], "kernels": [5, 3], "hidden": 8, "outputs": 1, "dropout": 0.0}, "quantization": {"layers_in_float": [], "calibration": {"windows": 6655, "days": 0.46}}, "provenance": {"training": {"appliance": {"name": "kettle", "max_power_w": 3100.0, "on_power_w": 2000.0, "min_on_s": 12.0, "min_off_s": 0.0, "mean_w": 700.0, "std_w": 1000.0}, "architecture": {"window": 33, "target_index": 16, "channels": [4, 4], "kernels": [5, 3], "hidden": 8, "outputs": 1, "dropout": 0.0}, "from": "450497bbdeb763520bdff7f8646b01aa29b9d133641c790ca700030132bfff80", "scale": {"mains_mean_w": 522.0, "mains_std_w": 814.0, "appliance_mean_w": [700.0], "appliance_std_w": [1000.0]}, "pruning": null, "settings": {"epochs": null, "steps": 1500, "budget_s": null, "engine": "sliding", "batch_size": 512, "chunk": null, "active": 0.5, "transplant": null, "gain": null, "loads": 0.0, "stretch": 0.0, "absolute": null, "clipped": null, "learning_rate": 0.01, "schedule": "linear", "freeze": "none", "validation_frequency": null, "patience": 1500, "seed": 0}, "devices": 1, "training_data": [{"house": "1", "start": "2026-03-28T08:00:00+00:00", "samples": 7647, "period_s": 6.0, "sha256": "cdb6631d7ce604e351861ce5c299402a15b3ca3ab6f305bb22162bf8a82b9bb2"}], "validation_data": [{"house": "1", "start": "2026-03-28T20:48:00+00:00", "samples": 1920, "period_s": 6.0, "sha256": "f2763e5605fb4058a8df9242a525f217b8c24bffbd890976319c2a6585729485"}], "planned_steps": 1500, "best_step": 1500, "val_loss": 0.2105306088924408}, "training_mean_w": {"kettle": 80.39113377795213}, "versions": {"seq2point": "0.1.0", "torch": "2.13.0+cpu", "lightning": "2.6.6", "numpy": "2.4.6", "python": "3.11.7"}, "metrics": {"mae_w": 33.30736931538422, "on_mae_w": 1354.9740391062267, "sae": 0.14733376787923144, "nde": 0.5279236474908775, "sae_delta_w": 26.55581594763281, "energy_per_day_wh": 37.91339848836263, "f1": 0.1388888888888889, "precision": 1.0, "recall": 0.07462686567164178, "mcc": 0.27139537082791393, "accuracy": 0.986996644295302, "event_precision": 1.0, "event_recall": 0.4, "event_f1": 0.5714285714285714}, "exported_with": {"seq2point": "0.1.0"}}, "prefix": "s2p", "header_sha256": "65a8a8d1ffa6e4f3684951640dfce4faf8cb26053b33665bee4738c440ca2b7f", "sha256": "090404202967ded0ade88d467e5ef39092cdd6819cde4c4a232df02a3851b9f5"}
 */
