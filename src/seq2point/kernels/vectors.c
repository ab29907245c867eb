/* Vectors of LANES floats, and of LANES complex numbers. */

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#if defined(__AVX512F__) || defined(__aarch64__)
#define OUTS 8 /* sums kept in registers, of which there are 32 */
#define ROWS 4
#else
#define OUTS 4 /* there are 16 */
#define ROWS 2
#endif
#define INLINE static inline __attribute__((always_inline))

/* Keep a vector in a register. GCC would load it from memory again at each use: twice the time where
 * the vectors are at any address and every second load takes two lines of the cache. */
#if defined(__x86_64__)
#define KEEP(v) __asm__("" : "+v"(v))
#elif defined(__aarch64__)
#define KEEP(v) __asm__("" : "+w"(v))
#else
#define KEEP(v)
#endif

/* Vectors: floats, floats at any address, signed and unsigned integers, complex numbers. */
typedef float V __attribute__((vector_size(4 * LANES)));
typedef float U __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t I __attribute__((vector_size(4 * LANES)));
typedef uint32_t N __attribute__((vector_size(4 * LANES)));
typedef struct {
    V re, im;
} C;

/* Lanes of the vector pair a[i], a[i + d], by number: those below LANES are the first's. LOW takes
 * the lanes whose bit d is clear, HIGH those whose bit d is set. */
#define LOW(j, d) ((j) & (d) ? LANES + (j) - (d) : (j))
#define HIGH(j, d) ((j) & (d) ? LANES + (j) : (j) + (d))
#define FOUR(of, j, d) of(j, d), of(j + 1, d), of(j + 2, d), of(j + 3, d)
#if LANES == 16
#define INDICES(of, d) {FOUR(of, 0, d), FOUR(of, 4, d), FOUR(of, 8, d), FOUR(of, 12, d)}
#elif LANES == 8
#define INDICES(of, d) {FOUR(of, 0, d), FOUR(of, 4, d)}
#else
#define INDICES(of, d) {FOUR(of, 0, d)}
#endif

/* Declare vectors `low` and `high`, with the lanes LOW and HIGH of a[i], a[i + d]. */
#if defined(__clang__)
#define SHUFFLE(d, i, low, high)                                             \
    V low, high;                                                             \
    do {                                                                     \
        static const N lo = INDICES(LOW, d), hi = INDICES(HIGH, d);          \
        for (int j = 0; j < LANES; j++) {                                    \
            low[j] = lo[j] < LANES ? a[i][lo[j]] : a[i + d][lo[j] - LANES];  \
            high[j] = hi[j] < LANES ? a[i][hi[j]] : a[i + d][hi[j] - LANES]; \
        }                                                                    \
    } while (0)
#else
#define SHUFFLE(d, i, low, high)                                     \
    V low = __builtin_shuffle(a[i], a[i + d], (N)INDICES(LOW, d)),   \
      high = __builtin_shuffle(a[i], a[i + d], (N)INDICES(HIGH, d))
#endif

/* Exchange HIGH of each vector a[i] whose bit d of i is clear with LOW of a[i + d]. */
#define EXCHANGE_LANES(d)                 \
    if (d < LANES)                        \
        for (int i = 0; i < LANES; i++)   \
            if (!(i & (d))) {             \
                SHUFFLE(d, i, low, high); \
                a[i] = low;               \
                a[i + d] = high;          \
            }

/* Add 2 * d vectors up to d, each lane to its neighbour at distance d. */
#define ADD_HALVES(d)                 \
    if (d < LANES)                    \
        for (int i = 0; i < d; i++) { \
            SHUFFLE(d, i, low, high); \
            a[i] = low + high;        \
        }

/* Transpose a[LANES], so that vector i's lane j becomes vector j's lane i. */
INLINE void transpose(V *a) {
#if LANES > 8
    EXCHANGE_LANES(8)
#endif
#if LANES > 4
    EXCHANGE_LANES(4)
#endif
    EXCHANGE_LANES(2)
    EXCHANGE_LANES(1)
}

/* Return the sum of each vector of a[LANES], as a vector. Overwrites a. */
INLINE V sum_lanes(V *a) {
#if LANES > 8
    ADD_HALVES(8)
#endif
#if LANES > 4
    ADD_HALVES(4)
#endif
    ADD_HALVES(2)
    ADD_HALVES(1)
    return a[0];
}

/* Return x where it is above zero, else 0. NaN stays NaN. */
INLINE V relu(V x) { return (V)((I)x & ~(x <= 0)); }

/* Return a * w, where w is one complex number [re, im]. */
INLINE C multiply(C a, const float *w) {
    return (C){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};
}

/* Return a + b, a - b and -i * a. */
INLINE C add(C a, C b) { return (C){a.re + b.re, a.im + b.im}; }
INLINE C subtract(C a, C b) { return (C){a.re - b.re, a.im - b.im}; }
INLINE C multiply_by_minus_i(C a) { return (C){a.im, -a.re}; }
