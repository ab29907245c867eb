/* Readings out of text and onto a grid. native_reader.py calls this. text_table.py reads with Polars what is refused
   here, and grid.py has the same means in NumPy. */

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SKIPPED, DOUBLE, FLOAT };

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};

static int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static int ends_cell(char c, char separator) { return c == separator || c == '\n' || c == '\r'; }

/* Eight bytes at once, a digit as its value; the first is the lowest. */
static uint64_t eight(const char *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word ^ 0x3030303030303030;
}

/* Bits in the bytes that are no digits. */
static uint64_t no_digits(uint64_t word) { return (word | (word + 0x0606060606060606)) & 0xf0f0f0f0f0f0f0f0; }

/* The number of eight digits: added up in pairs, fours and eights. */
static uint32_t number_of(uint64_t word) {
    word = word * 10 + (word >> 8);
    return (uint32_t)(((word & 0x000000ff000000ff) * 0x000f424000000064 + ((word >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
                      32);
}

/* A whole number of 1 to 15 digits, without a branch on how many; reads 16 bytes. 0 where the cell is anything else. */
static const char *whole(const char *at, char separator, double *value) {
    uint64_t word = eight(at), others = no_digits(word), above = 0;
    if (!others) {
        above = number_of(word);
        at += 8;
        word = eight(at);
        others = no_digits(word);
        if (!others) return 0;
    }
    int digits = __builtin_ctzll(others) / 8;
    if (!ends_cell(at[digits], separator) || (!digits && !above)) return 0;
    static const uint32_t shift[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    uint32_t below = digits ? number_of(word << (64 - 8 * digits)) : 0;
    *value = (double)(above * shift[digits] + below);
    return at + digits;
}

/* Any plain decimal; an empty cell is NaN. The quotient of two whole numbers that a double holds exactly is the double nearest to
   the decimal. 0 where the cell is anything else. */
static const char *decimal(const char *at, const char *end, char separator, double *value) {
    int negative = *at == '-', count = 0, point = 0, decimals = 0;
    at += negative;
    uint64_t digits = 0;
    for (; at < end && is_digit(*at); at++, count++) digits = digits * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.')
        for (at++, point = 1; at < end && is_digit(*at); at++, decimals++) digits = digits * 10 + (uint64_t)(*at - '0');
    count += decimals;
    if (at == end || !ends_cell(*at, separator) || count > 18 || digits > (1ull << 53)) return 0;
    if (count == 0 && (negative || point)) return 0;
    double size = (double)digits / POWERS[decimals];
    *value = count == 0 ? NAN : negative ? -size : size;
    return at;
}

/* Bits in the bytes of a word that equal the byte that `pattern` repeats. */
static uint64_t equal(uint64_t word, uint64_t pattern) {
    word ^= pattern;
    return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
}

/* The end of a cell that nobody wants, or `end`. */
static const char *skipped(const char *at, const char *end, char separator) {
    const uint64_t one = 0x0101010101010101, pattern = one * (unsigned char)separator;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        uint64_t found = equal(word, pattern) | equal(word, one * '\n') | equal(word, one * '"');
        if (found) return at + __builtin_ctzll(found) / 8;
    }
    while (at < end && *at != separator && *at != '\n' && *at != '"') at++;
    return at;
}

/* Fill the outputs, one for each column that is not skipped, with at most `room` rows of text[0, length), whose every line ends in
   '\n'; returns the number of rows, -1 where the text is anything but plain rows of so many cells, or -2 where there is no room. */
int64_t s2p_rows(const char *text, int64_t length, char separator, int32_t columns, const int32_t *kinds, void *const *outputs,
                 int64_t room) {
    const char *at = text, *end = text + length;
    int64_t row = 0;
    for (; at < end; row++) {
        if (row == room) return -2;
        int output = 0;
        for (int32_t column = 0; column < columns; column++) {
            if (kinds[column] == SKIPPED) {
                at = skipped(at, end, separator);
            } else {
                double value;
                if (end - at >= 16 && is_digit(at[0]) && at[1] == separator) {
                    value = at[0] - '0';
                    at++;
                } else {
                    const char *next = end - at >= 16 ? whole(at, separator, &value) : 0;
                    if (!next && at < end) next = decimal(at, end, separator, &value);
                    if (!next) return -1;
                    at = next;
                }
                if (kinds[column] == DOUBLE)
                    ((double *)outputs[output++])[row] = value;
                else
                    ((float *)outputs[output++])[row] = (float)value;
            }
            if (column < columns - 1) {
                if (at == end || *at != separator) return -1;
                at++;
            }
        }
        if (at < end && *at == '\r') at++;
        if (at == end || *at != '\n') return -1;
        at++;
    }
    return row;
}

/* The mean of each column's values on each of `size` samples, NaN where there is none, and whether a sample has no value at all.
   `sample` does not descend; an infinite value counts as if it had not been there, NaN is there but unknown. */
void s2p_means(const int64_t *sample, int64_t count, int32_t columns, const float *const *values, int64_t size, float *const *means,
               uint8_t *const *absent) {
    int64_t next = 0;
    for (int64_t row = 0, end; row <= count; row = end) {
        int64_t here = row < count ? sample[row] : size;
        for (int32_t column = 0; column < columns; column++)
            for (int64_t empty = next; empty < here; empty++) means[column][empty] = NAN, absent[column][empty] = 1;
        for (end = row + 1; end < count && sample[end] == here; end++);
        for (int32_t column = 0; row < count && column < columns; column++) {
            double total = 0;
            int64_t known = 0, there = 0;
            for (int64_t at = row; at < end; at++) {
                float value = values[column][at];
                int finite = value - value == 0;
                there += finite || value != value;
                known += finite;
                total += finite ? value : 0;
            }
            means[column][here] = known ? (float)(total / (double)known) : NAN;
            absent[column][here] = there == 0;
        }
        next = here + 1;
    }
}
