/* Sliding evaluation in C: the arithmetic of sliding.py (which has the mathematics), fused so that no array is turned around.
 *
 * Vectors hold LANES hidden units (or channels, or blocks) at the same frequency or time, so that a transform of LANES series is
 * plain vector arithmetic. A transform of B = rows * columns complex vectors goes in two steps over a table that stays in the
 * second-level cache: columns, then rows, each inside the first-level cache. Two real series share one complex transform.
 *
 *     spectrum   [f][...]           f = 0 .. B/2, of real series
 *     group      OUTS blocks, whose features' spectra lie as [group][f][channel][block][re, im], in the order of their use
 *     units      LANES hidden units; weights' spectra as [f][channel] of complex vectors
 *
 * Only forward transforms are written: an inverse one is a forward one with real and imaginary parts exchanged, before and after.
 */

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#if defined(__AVX__) && !defined(__AVX512F__)
#define OUTS 4 /* sums kept in registers, of which there are 16 */
#else
#define OUTS 8
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(4 * LANES)));
typedef float U __attribute__((vector_size(4 * LANES), aligned(4))); /* a vector at any address */
typedef int32_t I __attribute__((vector_size(4 * LANES)));
typedef uint32_t N __attribute__((vector_size(4 * LANES)));
typedef struct {
    V re, im;
} C;

/* ---- turning LANES vectors around ------------------------------------------------------------------------------------ */

#define LOW(j, d) ((j) & (d) ? LANES + (j) - (d) : (j))
#define HIGH(j, d) ((j) & (d) ? LANES + (j) : (j) + (d))
#define FOUR(of, j, d) of(j, d), of(j + 1, d), of(j + 2, d), of(j + 3, d)
#if LANES == 16
#define ALL(of, d) {FOUR(of, 0, d), FOUR(of, 4, d), FOUR(of, 8, d), FOUR(of, 12, d)}
#elif LANES == 8
#define ALL(of, d) {FOUR(of, 0, d), FOUR(of, 4, d)}
#else
#define ALL(of, d) {FOUR(of, 0, d)}
#endif
#if defined(__clang__)
#define STEP(d, i, low, high)                                                                \
    V low, high;                                                                             \
    do {                                                                                     \
        static const N lo = ALL(LOW, d), hi = ALL(HIGH, d);                                  \
        for (int j = 0; j < LANES; j++) {                                                    \
            low[j] = lo[j] < LANES ? a[i][lo[j]] : a[i + d][lo[j] - LANES];                  \
            high[j] = hi[j] < LANES ? a[i][hi[j]] : a[i + d][hi[j] - LANES];                 \
        }                                                                                    \
    } while (0)
#else
#define STEP(d, i, low, high)                                                                \
    V low = __builtin_shuffle(a[i], a[i + d], (N)ALL(LOW, d)), high = __builtin_shuffle(a[i], a[i + d], (N)ALL(HIGH, d))
#endif
#define EXCHANGE(d)                                \
    if (d < LANES)                                 \
        for (int i = 0; i < LANES; i++)            \
            if (!(i & (d))) {                      \
                STEP(d, i, low, high);             \
                a[i] = low;                        \
                a[i + d] = high;                   \
            }
#define ADD(d)                              \
    if (d < LANES)                          \
        for (int i = 0; i < d; i++) {       \
            STEP(d, i, low, high);          \
            a[i] = low + high;              \
        }

/* Vector i's lane j becomes vector j's lane i. */
INLINE void turn_around(V *a) {
#if LANES > 8
    EXCHANGE(8)
#endif
#if LANES > 4
    EXCHANGE(4)
#endif
    EXCHANGE(2)
    EXCHANGE(1)
}

/* The sum of each vector, as a vector; a is overwritten. */
INLINE V sums_of(V *a) {
#if LANES > 8
    ADD(8)
#endif
#if LANES > 4
    ADD(4)
#endif
    ADD(2)
    ADD(1)
    return a[0];
}

/* ---- transforms ------------------------------------------------------------------------------------------------------ */

#define MOST_FACTORS 16
typedef struct {
    int length, count, radix[MOST_FACTORS];
    float *twiddles[MOST_FACTORS]; /* of each factor: (radix - 1) complex numbers for each place */
} Steps;

typedef struct {
    int length, rows, columns, pitch; /* pitch: of rows in the table; odd, so that a column meets every cache set */
    Steps column, row;                /* transforms of `rows` and of `columns` points */
    float *between;                   /* [columns][rows] complex: what a column's result is turned by */
} Plan;

static void turn(float *at, double turns) {
    at[0] = (float)cos(2 * M_PI * turns);
    at[1] = (float)-sin(2 * M_PI * turns);
}

static void steps_of(Steps *steps, int length) {
    static const int radices[] = {8, 4, 5, 3, 2};
    int left = length;
    steps->length = length;
    steps->count = 0;
    while (left > 1) {
        int radix = 0;
        for (int i = 0; i < 5 && !radix; i++)
            if (left % radices[i] == 0 && !(radices[i] == 8 && left == 16)) radix = radices[i];
        int places = left / radix;
        float *w = malloc(sizeof(float) * 2 * (radix - 1) * places);
        for (int p = 0; p < places; p++)
            for (int k = 1; k < radix; k++) turn(w + 2 * (p * (radix - 1) + k - 1), (double)p * k / left);
        steps->radix[steps->count] = radix;
        steps->twiddles[steps->count++] = w;
        left = places;
    }
}

static void steps_free(Steps *steps) {
    for (int i = 0; i < steps->count; i++) free(steps->twiddles[i]);
}

/* A plan for B points, B even and with no prime factor above 5. */
static Plan *plan_of(int length) {
    Plan *plan = malloc(sizeof(Plan));
    int rows = 1;
    for (int r = 2; r * r <= length; r++)
        if (length % r == 0) rows = r;
    plan->length = length;
    plan->rows = rows;
    plan->columns = length / rows;
    plan->pitch = plan->columns | 1;
    steps_of(&plan->column, rows);
    steps_of(&plan->row, plan->columns);
    plan->between = malloc(sizeof(float) * 2 * length);
    for (int j = 0; j < plan->columns; j++)
        for (int k = 0; k < rows; k++) turn(plan->between + 2 * (j * rows + k), (double)j * k / length);
    return plan;
}

static void plan_free(Plan *plan) {
    steps_free(&plan->column);
    steps_free(&plan->row);
    free(plan->between);
    free(plan);
}

/* Where sample t stands before a transform, and frequency f after it. */
INLINE ptrdiff_t place_in(const Plan *plan, int t) { return (ptrdiff_t)(t / plan->columns) * plan->pitch + t % plan->columns; }
INLINE ptrdiff_t place_out(const Plan *plan, int f) { return (ptrdiff_t)(f % plan->rows) * plan->pitch + f / plan->rows; }
INLINE size_t table_size(const Plan *plan) { return (size_t)plan->rows * plan->pitch; }

INLINE C times(C a, const float *w) { return (C){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]}; }
INLINE C plus(C a, C b) { return (C){a.re + b.re, a.im + b.im}; }
INLINE C minus(C a, C b) { return (C){a.re - b.re, a.im - b.im}; }
INLINE C by_minus_i(C a) { return (C){a.im, -a.re}; }

INLINE void four(C *a, C *b, C *c, C *d) { /* a, b, c, d in order of time to order of frequency */
    C ac = plus(*a, *c), a_c = minus(*a, *c), bd = plus(*b, *d), b_d = by_minus_i(minus(*b, *d));
    *a = plus(ac, bd);
    *b = plus(a_c, b_d);
    *c = minus(ac, bd);
    *d = minus(a_c, b_d);
}

INLINE void butterfly(const int radix, C *a) {
    if (radix == 2) {
        C sum = plus(a[0], a[1]);
        a[1] = minus(a[0], a[1]);
        a[0] = sum;
    } else if (radix == 3) {
        const float s = 0.86602540378443864676f;
        C sum = plus(a[1], a[2]), difference = by_minus_i(minus(a[1], a[2]));
        C middle = {a[0].re - 0.5f * sum.re, a[0].im - 0.5f * sum.im};
        a[0] = plus(a[0], sum);
        a[1] = (C){middle.re + s * difference.re, middle.im + s * difference.im};
        a[2] = (C){middle.re - s * difference.re, middle.im - s * difference.im};
    } else if (radix == 4) {
        four(a, a + 1, a + 2, a + 3);
    } else if (radix == 5) {
        const float c1 = 0.30901699437494742410f, c2 = -0.80901699437494742410f;
        const float s1 = 0.95105651629515357212f, s2 = 0.58778525229247312917f;
        C p = plus(a[1], a[4]), q = plus(a[2], a[3]);
        C m = by_minus_i(minus(a[1], a[4])), n = by_minus_i(minus(a[2], a[3]));
        C u = {a[0].re + c1 * p.re + c2 * q.re, a[0].im + c1 * p.im + c2 * q.im};
        C v = {a[0].re + c2 * p.re + c1 * q.re, a[0].im + c2 * p.im + c1 * q.im};
        C x = {s1 * m.re + s2 * n.re, s1 * m.im + s2 * n.im};
        C y = {s2 * m.re - s1 * n.re, s2 * m.im - s1 * n.im};
        a[0] = plus(a[0], plus(p, q));
        a[1] = plus(u, x);
        a[2] = plus(v, y);
        a[3] = minus(v, y);
        a[4] = minus(u, x);
    } else { /* 8: even and odd fours */
        const float r = 0.70710678118654752440f;
        four(a, a + 2, a + 4, a + 6);
        four(a + 1, a + 3, a + 5, a + 7);
        C o1 = {r * (a[3].re + a[3].im), r * (a[3].im - a[3].re)};
        C o2 = by_minus_i(a[5]);
        C o3 = {r * (a[7].im - a[7].re), -r * (a[7].re + a[7].im)};
        C e0 = a[0], e1 = a[2], e2 = a[4], e3 = a[6], o0 = a[1];
        a[0] = plus(e0, o0);
        a[1] = plus(e1, o1);
        a[2] = plus(e2, o2);
        a[3] = plus(e3, o3);
        a[4] = minus(e0, o0);
        a[5] = minus(e1, o1);
        a[6] = minus(e2, o2);
        a[7] = minus(e3, o3);
    }
}

/* One factor of a self-sorting transform (Stockham): `places` groups of `done` finished series. */
INLINE void pass_of(const int radix, int places, int done, const C *x, ptrdiff_t xs, C *y, ptrdiff_t ys, const float *twiddles,
                    const float *after) {
    for (int p = 0; p < places; p++) {
        const float *w = twiddles + 2 * p * (radix - 1);
        for (int q = 0; q < done; q++) {
            C a[8];
            for (int k = 0; k < radix; k++) a[k] = x[(q + done * (p + places * (ptrdiff_t)k)) * xs];
            butterfly(radix, a);
            for (int k = 0; k < radix; k++) {
                ptrdiff_t at = q + done * (radix * (ptrdiff_t)p + k);
                if (k && places > 1) a[k] = times(a[k], w + 2 * (k - 1));
                if (after) a[k] = times(a[k], after + 2 * at);
                y[at * ys] = a[k];
            }
        }
    }
}

static void pass(int radix, int places, int done, const C *x, ptrdiff_t xs, C *y, ptrdiff_t ys, const float *w,
                 const float *after) {
#define CASE(r)                                                              \
    case r:                                                                  \
        if (after) pass_of(r, places, done, x, xs, y, ys, w, after);         \
        else pass_of(r, places, done, x, xs, y, ys, w, NULL);                \
        break;
    switch (radix) {
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(8)
    }
#undef CASE
}

/* A short transform from x to y, through two scratch arrays; `after` are factors for the results. */
static void transform(const Steps *steps, const C *x, ptrdiff_t xs, C *y, ptrdiff_t ys, C *scratch, const float *after) {
    int left = steps->length, done = 1;
    const C *from = x;
    ptrdiff_t from_stride = xs;
    if (!steps->count) y[0] = after ? times(x[0], after) : x[0];
    for (int i = 0; i < steps->count; i++) {
        int radix = steps->radix[i], last = i == steps->count - 1;
        C *to = last ? y : scratch + (i % 2) * steps->length;
        left /= radix;
        pass(radix, left, done, from, from_stride, to, last ? ys : 1, steps->twiddles[i], last ? after : NULL);
        done *= radix;
        from = to;
        from_stride = 1;
    }
}

static void columns_of(const Plan *plan, C *table, C *scratch) {
    for (int j = 0; j < plan->columns; j++)
        transform(&plan->column, table + j, plan->pitch, table + j, plan->pitch, scratch, plan->between + 2 * j * plan->rows);
}

static void whole_transform(const Plan *plan, C *table, C *scratch) {
    columns_of(plan, table, scratch);
    for (int i = 0; i < plan->rows; i++) {
        C *row = table + (ptrdiff_t)i * plan->pitch;
        transform(&plan->row, row, 1, row, 1, scratch, NULL);
    }
}

/* The spectra at f of the two real series that shared a transform; `scale` is half of what they are multiplied by. */
INLINE void apart(const Plan *plan, const C *table, int f, float scale, C *first, C *second) {
    C a = table[place_out(plan, f)], b = table[place_out(plan, f ? plan->length - f : 0)];
    *first = (C){scale * (a.re + b.re), scale * (a.im - b.im)};
    *second = (C){scale * (a.im + b.im), scale * (b.re - a.re)};
}

/* The reverse: two real series' spectra at f into a table for an inverse transform (parts exchanged). */
INLINE void together(const Plan *plan, C *table, int f, C a, C b) {
    table[place_in(plan, f)] = (C){a.im + b.re, a.re - b.im};
    if (f) table[place_in(plan, plan->length - f)] = (C){b.re - a.im, a.re + b.im};
}

/* ---- the product ----------------------------------------------------------------------------------------------------- */

/* out[m] (+)= sum over i < count of conj(v[i]) b[m][i], m < outs; b's numbers stand at b + m * outer + i * inner, their imaginary
 * parts `im` further. */
INLINE void product_of(const int outs, const int add, const C *v, int count, const float *b, ptrdiff_t im, ptrdiff_t outer,
                       ptrdiff_t inner, C *out) {
    V re[OUTS], in[OUTS];
    for (int m = 0; m < outs; m++) {
        re[m] = add ? out[m].re : (V){0};
        in[m] = add ? out[m].im : (V){0};
    }
    for (int i = 0; i < count; i++, b += inner) {
        V vr = v[i].re, vi = v[i].im;
        for (int m = 0; m < outs; m++) {
            float br = b[m * outer], bi = b[m * outer + im];
            re[m] += vr * br;
            in[m] += vr * bi;
            re[m] += vi * bi;
            in[m] -= vi * br;
        }
    }
    for (int m = 0; m < outs; m++) out[m] = (C){re[m], in[m]};
}

INLINE void product(int outs, const int add, const C *v, int count, const float *b, ptrdiff_t im, ptrdiff_t outer, ptrdiff_t inner,
                    C *out) {
    for (; outs >= OUTS; outs -= OUTS, b += OUTS * outer, out += OUTS) product_of(OUTS, add, v, count, b, im, outer, inner, out);
    if (outs >= OUTS / 2) {
        product_of(OUTS / 2, add, v, count, b, im, outer, inner, out);
        outs -= OUTS / 2, b += OUTS / 2 * outer, out += OUTS / 2;
    }
    if (outs >= 2) {
        product_of(2, add, v, count, b, im, outer, inner, out);
        outs -= 2, b += 2 * outer, out += 2;
    }
    if (outs) product_of(1, add, v, count, b, im, outer, inner, out);
}

/* ---- work shared by threads ------------------------------------------------------------------------------------------ */

typedef void (*Work)(void *job, int item, int thread);
typedef struct {
    Work work;
    void *job;
    int items, next;
} Queue;
typedef struct {
    Queue *queue;
    int thread;
} Hand;

static void *take(void *argument) {
    Hand *hand = argument;
    for (;;) {
        int item = __atomic_fetch_add(&hand->queue->next, 1, __ATOMIC_RELAXED);
        if (item >= hand->queue->items) return NULL;
        hand->queue->work(hand->queue->job, item, hand->thread);
    }
}

#define MOST_THREADS 256
static void share(Work work, void *job, int items, int threads) {
    Queue queue = {work, job, items, 0};
    Hand hands[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    int started = 0;
    if (threads > items) threads = items;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    for (int i = 0; i < threads; i++) hands[i] = (Hand){&queue, i};
    for (int i = 1; i < threads; i++) {
        if (pthread_create(&ids[started], NULL, take, &hands[i])) break;
        started++;
    }
    take(&hands[0]);
    for (int i = 0; i < started; i++) pthread_join(ids[i], NULL);
}

/* A place where threads wait for each other; `members` is set before `open`. They wait without sleeping: a core that has gone
 * to sleep is long in waking up, on a virtual machine as long as the work between two meetings. */
typedef struct {
    unsigned open, round;
    int members, here;
} Meeting;

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() __asm__ volatile("" ::: "memory")
#endif
#define SPINS 2000

static void wait_while(const unsigned *value, unsigned same) {
    for (int i = 0; __atomic_load_n(value, __ATOMIC_ACQUIRE) == same; i++)
        if (i < SPINS) PAUSE();
        else sched_yield();
}

static void meet(Meeting *meeting) {
    unsigned round = __atomic_load_n(&meeting->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&meeting->here, 1, __ATOMIC_ACQ_REL) == meeting->members) {
        __atomic_store_n(&meeting->here, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&meeting->round, round + 1, __ATOMIC_RELEASE);
    } else
        wait_while(&meeting->round, round);
}

#define HUGE_PAGE ((size_t)1 << 21)

/* Memory aligned to vectors; large pieces on large pages, where the system has them: rows of spectra lie a page or more apart. */
static void *room(size_t bytes) {
    void *at = NULL;
    size_t piece = bytes >= HUGE_PAGE / 16 ? HUGE_PAGE : 64;
    bytes = (bytes + piece - 1) / piece * piece;
    if (posix_memalign(&at, piece, bytes ? bytes : piece)) return NULL;
#ifdef MADV_HUGEPAGE
    if (piece == HUGE_PAGE) madvise(at, bytes, MADV_HUGEPAGE);
#endif
    return at;
}

/* ---- hidden layer and output ----------------------------------------------------------------------------------------- */

typedef struct { /* the same fields as native/__init__.py's Shape */
    int32_t channels, taps, hidden, outputs;
    int32_t blocks, length, hop; /* length: points of the transforms; hop: windows that a block gives, at most length - taps + 1 */
    int32_t threads;
    int64_t channel_stride, block_stride, samples; /* of the features, in floats; samples: how many a channel has */
    uint32_t seed;                                 /* of the dropout */
    float dropout;                                 /* fraction of hidden values that is zeroed, the rest scaled up; 0 for none */
} Shape;

typedef struct {
    const Shape *s;
    const Plan *plan;
    const float *features, *weight, *bias, *output, *gradient;
    float *spectra, *answer, *kept;                                       /* forward */
    float *d_features, *d_weight, *d_bias, *d_output;                     /* backward */
    int frequencies, hop, groups, units, parts, long_rows, answer_columns; /* long_rows: rows' answers that lie before hop */
    C *tables, *scratch, *weights;                                        /* of each thread */
    float *sums;
    C *g, *d_weights, *d_spectra; /* backward: spectra of gradients, [f][block], [f][channel], [vector of blocks][f][channel] */
    float *partial;               /* backward: each thread's gradients of biases and output weights, [thread][1 + outputs][unit lanes] */
    int *taken;                   /* backward: items begun, of each phase of each unit */
    Meeting *meeting;
} Job;

/* Run `work` on every thread at once, so that they can meet. */
static void *walk(void *argument) {
    Hand *hand = argument;
    Job *job = hand->queue->job;
    wait_while(&job->meeting->open, 0); /* until it is known how many there are */
    hand->queue->work(job, hand->thread, hand->thread);
    return NULL;
}

static void together_in_step(Work work, Job *job, int threads) {
    Meeting meeting = {.members = 1};
    Queue queue = {work, job, threads, 0};
    Hand hands[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    job->meeting = &meeting;
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    for (int i = 1; i < threads; i++) {
        hands[i] = (Hand){&queue, i};
        if (pthread_create(&ids[meeting.members - 1], NULL, walk, &hands[i])) break;
        meeting.members++;
    }
    __atomic_store_n(&meeting.open, 1, __ATOMIC_RELEASE);
    work(job, 0, 0);
    for (int i = 0; i < meeting.members - 1; i++) pthread_join(ids[i], NULL);
}

INLINE float *spectrum_at(const Job *job, int group, int f) {
    return job->spectra + ((size_t)group * job->frequencies + f) * job->s->channels * OUTS * 2;
}
INLINE int scratch_size(const Plan *plan) { return 2 * (plan->rows > plan->columns ? plan->rows : plan->columns); }
INLINE C *table_of(const Job *job, int thread, int which) {
    return job->tables + ((size_t)thread * (OUTS / 2) + which) * table_size(job->plan);
}
INLINE C *scratch_of(const Job *job, int thread) { return job->scratch + (size_t)thread * (scratch_size(job->plan) + LANES); }

static void clear_from(const Plan *plan, C *table, int first) {
    for (int t = first; t < plan->length; t++) table[place_in(plan, t)] = (C){{0}, {0}};
}

/* Spectra of the features of two blocks: lanes are channels. */
static void features_item(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int group = 2 * item / OUTS, n = 2 * item % OUTS;
    for (int c0 = 0; c0 < s->channels; c0 += LANES) {
        int lanes = s->channels - c0 < LANES ? s->channels - c0 : LANES;
        memset(table, 0, sizeof(C) * table_size(plan));
        for (int half = 0; half < 2; half++) {
            int64_t block = 2 * (int64_t)item + half;
            if (block >= s->blocks) break;
            int64_t first = block * s->block_stride, valid = s->samples;
            if (s->block_stride < s->channel_stride) valid -= first; /* blocks of one series */
            if (valid > plan->length) valid = plan->length;
            for (int lane = 0; lane < lanes; lane++) {
                const float *f = job->features + (c0 + lane) * s->channel_stride + first;
                float *to = (float *)table + half * LANES + lane;
                for (int i = 0, t = 0; i < plan->rows; i++)
                    for (int j = 0; j < plan->columns && t < valid; j++, t++) to[(i * (ptrdiff_t)plan->pitch + j) * 2 * LANES] = f[t];
            }
        }
        whole_transform(plan, table, scratch_of(job, thread));
        for (int f = 0; f < job->frequencies; f++) {
            C a, b;
            apart(plan, table, f, 0.5f, &a, &b);
            float *to = spectrum_at(job, group, f) + ((size_t)c0 * OUTS + n) * 2;
            for (int lane = 0; lane < lanes; lane++, to += 2 * OUTS) {
                to[0] = a.re[lane];
                to[1] = a.im[lane];
                to[2] = b.re[lane];
                to[3] = b.im[lane];
            }
        }
    }
}

/* Spectra of the weights of LANES units and two channels, divided by B: lanes are units. */
static void weights_pair(Job *job, int unit, int pair, C *weights, C *table, C *scratch) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    int channels = s->channels, c = 2 * pair, lanes = s->hidden - unit * LANES;
    if (lanes > LANES) lanes = LANES;
    if (lanes < LANES || c + 1 == channels) memset(table, 0, sizeof(C) * table_size(plan));
    else clear_from(plan, table, s->taps);
    for (int half = 0; half < 2 && c + half < channels; half++)
        for (int first = 0; first < s->taps; first += plan->columns) {
            const float *w = job->weight + ((size_t)unit * LANES * channels + c + half) * s->taps + first;
            size_t stride = (size_t)channels * s->taps;
            V *row = (V *)(table + place_in(plan, first)) + half;
            int count = s->taps - first < plan->columns ? s->taps - first : plan->columns, k = 0;
            for (int lane = 0; lane < lanes; lane++) /* the next pair's, while this one's are turned around */
                for (int ahead = 0; ahead < count; ahead += 16) __builtin_prefetch(w + lane * stride + 2 * s->taps + ahead);
            for (; k + LANES <= count && lanes == LANES; k += LANES) {
                V a[LANES];
                for (int lane = 0; lane < LANES; lane++) a[lane] = *(const U *)(w + lane * stride + k);
                turn_around(a);
                for (int i = 0; i < LANES; i++) row[2 * (k + i)] = a[i];
            }
            for (; k < count; k++)
                for (int lane = 0; lane < lanes; lane++) row[2 * k][lane] = w[lane * stride + k];
        }
    whole_transform(plan, table, scratch);
    float scale = 0.5f / (float)plan->length;
    for (int f = 0; f < job->frequencies; f++) {
        C *to = weights + (size_t)f * channels + c, a, b;
        apart(plan, table, f, scale, &a, &b);
        to[0] = a;
        if (c + 1 < channels) to[1] = b;
    }
}

INLINE V positive(V x) { return (V)((I)x & ~(x <= 0)); } /* what is no number stays so */

/* Zero or the scale of a hidden value that is kept, from a hash of the seed and the place. */
INLINE V dropped(V x, uint32_t seed, uint32_t place, uint32_t least, float scale) {
    N h;
    for (int lane = 0; lane < LANES; lane++) h[lane] = (place * LANES + lane) * 0x9E3779B1u ^ seed;
    h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
    h = (h ^ (h >> 13)) * 0xC2B2AE35u;
    h ^= h >> 16;
    return (V)((I)(x * scale) & ((h >> 8) >= least));
}

/* Hidden values of two blocks and LANES units, from their spectra to their share of the answers (or kept for the way back). */
static void rows_to_answers(Job *job, int unit, int pair, C *table, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *scratch = scratch_of(job, thread), *row = table; /* rows are transformed in place */
    int lanes = s->hidden - unit * LANES;
    size_t block = (size_t)plan->rows * job->answer_columns;
    uint32_t least = (uint32_t)(s->dropout * 16777216.0f);
    float scale = 1.0f / (1.0f - s->dropout);
    for (int k1 = 0; k1 < plan->rows; k1++, row += plan->pitch) {
        int count = job->hop > k1 ? (job->hop - k1 + plan->rows - 1) / plan->rows : 0;
        size_t place = (((size_t)unit * ((s->blocks + 1) / 2) + pair) * plan->rows + k1) * job->long_rows;
        transform(&plan->row, row, 1, row, 1, scratch, NULL);
        for (int k2 = 0; k2 < count; k2++) {
            row[k2] = (C){positive(row[k2].im), positive(row[k2].re)};
            if (s->dropout > 0) {
                row[k2].re = dropped(row[k2].re, s->seed, 2 * (place + k2), least, scale);
                row[k2].im = dropped(row[k2].im, s->seed, 2 * (place + k2) + 1, least, scale);
            }
        }
        if (job->kept) memcpy((C *)job->kept + place, row, sizeof(C) * count);
        for (int a = 0; a < s->outputs; a++) {
            V v = {0};
            for (int lane = 0; lane < LANES && lane < lanes; lane++) v[lane] = job->output[(size_t)a * s->hidden + unit * LANES + lane];
            float *sums = job->sums + (((size_t)thread * s->outputs + a) * (job->groups * OUTS) + 2 * pair) * block + (size_t)k1 * job->answer_columns;
            for (int first = 0; first < count; first += LANES) {
                V x[LANES], y[LANES];
                for (int i = 0; i < LANES; i++) {
                    int k2 = first + i < count ? first + i : count - 1;
                    x[i] = v * row[k2].re;
                    y[i] = v * row[k2].im;
                }
                *(V *)(sums + first) += sums_of(x);
                *(V *)(sums + block + first) += sums_of(y);
            }
        }
    }
}

/* LANES units against a part of the blocks. */
static void units_item(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    int unit = item / job->parts, part = item % job->parts, channels = s->channels;
    C *weights = job->weights + (size_t)thread * job->frequencies * channels, *scratch = scratch_of(job, thread);
    for (int pair = 0; pair < (channels + 1) / 2; pair++) weights_pair(job, unit, pair, weights, table_of(job, thread, 0), scratch);
    int lanes = s->hidden - unit * LANES;
    V bias = {0};
    for (int lane = 0; lane < LANES && lane < lanes; lane++) bias[lane] = job->bias[unit * LANES + lane];
    for (int group = job->groups * part / job->parts; group < job->groups * (part + 1) / job->parts; group++) {
        int n = group * OUTS, blocks = s->blocks - n < OUTS ? s->blocks - n : OUTS;
        blocks += blocks % 2;
        for (int f = 0; f < job->frequencies; f++) {
            C h[OUTS];
            product(blocks, 0, weights + (size_t)f * channels, channels, spectrum_at(job, group, f), 1, 2, 2 * OUTS, h);
            if (!f)
                for (int m = 0; m < blocks; m++) h[m].re += bias;
            for (int m = 0; m < blocks; m += 2) together(plan, table_of(job, thread, m / 2), f, h[m], h[m + 1]);
        }
        for (int m = 0; m < blocks; m += 2) {
            columns_of(plan, table_of(job, thread, m / 2), scratch);
            rows_to_answers(job, unit, (n + m) / 2, table_of(job, thread, m / 2), thread);
        }
    }
}

static void sizes(Job *job) {
    const Shape *s = job->s;
    job->frequencies = job->plan->length / 2 + 1;
    job->hop = s->hop;
    job->groups = (s->blocks + OUTS - 1) / OUTS;
    job->units = (s->hidden + LANES - 1) / LANES;
    job->long_rows = (job->hop + job->plan->rows - 1) / job->plan->rows;
    job->answer_columns = (job->long_rows + LANES - 1) / LANES * LANES;
}

static int rooms(Job *job) {
    size_t threads = job->s->threads;
    job->tables = room(sizeof(C) * threads * (OUTS / 2) * table_size(job->plan));
    job->scratch = room(sizeof(C) * threads * (scratch_size(job->plan) + LANES));
    return job->tables && job->scratch;
}

/* Floats that `spectra` needs, and `kept` where a backward pass will follow. */
int64_t s2p_spectra_floats(const Shape *s) {
    return (int64_t)((s->blocks + OUTS - 1) / OUTS) * (s->length / 2 + 1) * OUTS * s->channels * 2;
}
int64_t s2p_kept_floats(const Shape *s) {
    Plan *plan = plan_of(s->length);
    int64_t size = (int64_t)((s->hidden + LANES - 1) / LANES) * ((s->blocks + 1) / 2) * plan->rows * ((s->hop + plan->rows - 1) / plan->rows);
    plan_free(plan);
    return size * 2 * LANES;
}

/* answer[outputs][blocks][hop], without the output's bias. Returns 0, or 1 where memory ran out. */
int s2p_forward(const Shape *s, const float *features, const float *weight, const float *bias, const float *output,
                float *spectra, float *kept, float *answer) {
    Plan *plan = plan_of(s->length);
    Job job = {.s = s, .plan = plan, .features = features, .weight = weight, .bias = bias, .output = output, .spectra = spectra, .kept = kept};
    sizes(&job);
    size_t threads = s->threads, sums = threads * s->outputs * job.groups * OUTS * plan->rows * job.answer_columns;
    job.sums = room(sizeof(float) * sums);
    job.weights = room(sizeof(C) * threads * job.frequencies * s->channels);
    int failed = !rooms(&job) || !job.sums || !job.weights;
    if (!failed) {
        memset(job.sums, 0, sizeof(float) * sums);
        share(features_item, &job, (s->blocks + 1) / 2, s->threads);
        job.parts = job.units >= 2 * s->threads ? 1 : (2 * s->threads + job.units - 1) / job.units;
        if (job.parts > job.groups) job.parts = job.groups;
        share(units_item, &job, job.units * job.parts, s->threads);
        for (int a = 0; a < s->outputs; a++)
            for (int n = 0; n < s->blocks; n++) {
                float *to = answer + ((size_t)a * s->blocks + n) * job.hop;
                for (int k1 = 0; k1 < plan->rows; k1++)
                    for (int k2 = 0, t = k1; t < job.hop; k2++, t += plan->rows) {
                        float sum = 0;
                        for (size_t thread = 0; thread < threads; thread++)
                            sum += job.sums[(((thread * s->outputs + a) * job.groups * OUTS + n) * plan->rows + k1) * job.answer_columns + k2];
                        to[t] = sum;
                    }
            }
    }
    free(job.sums), free(job.weights), free(job.tables), free(job.scratch);
    plan_free(plan);
    return failed;
}

/* ---- the way back ---------------------------------------------------------------------------------------------------- */

/* Spectra of the gradients of two blocks' hidden values, with what of the output's and the biases' gradients they give. */
static void gradients_pair(Job *job, int unit, int pair, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    const C *kept = (const C *)job->kept + ((size_t)unit * ((s->blocks + 1) / 2) + pair) * plan->rows * job->long_rows;
    int lanes = s->hidden - unit * LANES, n = 2 * pair, two = n + 1 < s->blocks;
    float scale = 1.0f / (1.0f - s->dropout);
    V *partial = (V *)(job->partial + (size_t)thread * (1 + s->outputs) * job->units * LANES) + unit;
    clear_from(plan, table, job->hop);
    for (int a = 0; a < s->outputs; a++) {
        V v = {0}, d_output = {0}, d_bias = {0};
        const float *first = job->gradient + ((size_t)a * s->blocks + n) * job->hop, *second = first + (two ? job->hop : 0);
        for (int lane = 0; lane < LANES && lane < lanes; lane++) v[lane] = scale * job->output[(size_t)a * s->hidden + unit * LANES + lane];
        for (int k1 = 0; k1 < plan->rows; k1++) {
            const C *h = kept + (size_t)k1 * job->long_rows;
            int i = k1 / plan->columns, j = k1 % plan->columns;
            for (int t = k1; t < job->hop; t += plan->rows, h++) {
                float x = first[t], y = two ? second[t] : 0.0f;
                C *to = table + (ptrdiff_t)i * plan->pitch + j, g = {(V)((I)(v * x) & (h->re > 0)), (V)((I)(v * y) & (h->im > 0))};
                d_output += h->re * x + h->im * y;
                d_bias += g.re + g.im;
                *to = a ? plus(*to, g) : g;
                j += plan->rows;
                while (j >= plan->columns) j -= plan->columns, i++;
            }
        }
        partial[0] += d_bias;
        partial[(size_t)(1 + a) * job->units] += d_output;
    }
    whole_transform(plan, table, scratch_of(job, thread));
    int blocks = s->blocks + s->blocks % 2;
    for (int f = 0; f < job->frequencies; f++) {
        C *to = job->g + (size_t)f * blocks + n;
        apart(plan, table, f, 0.5f, to, to + 1);
    }
}

/* The products at one frequency: gradients of LANES units' weights, and their share of the features' gradients. */
static void frequency(Job *job, int f) {
    const Shape *s = job->s;
    int channels = s->channels, blocks = s->blocks + s->blocks % 2;
    const C *g = job->g + (size_t)f * blocks, *weights = job->weights + (size_t)f * channels;
    C *d_weights = job->d_weights + (size_t)f * channels;
    for (int group = 0; group < job->groups; group++) {
        int count = s->blocks - group * OUTS < OUTS ? s->blocks - group * OUTS : OUTS;
        const float *x = spectrum_at(job, group, f);
        if (group) product(channels, 1, g + group * OUTS, count, x, 1, 2 * OUTS, 2, d_weights);
        else product(channels, 0, g, count, x, 1, 2 * OUTS, 2, d_weights);
    }
    for (int n = 0; n < blocks; n += LANES) {
        C turned[LANES];
        V re[LANES], im[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            re[lane] = n + lane < blocks ? g[n + lane].re : (V){0};
            im[lane] = n + lane < blocks ? -g[n + lane].im : (V){0};
        }
        turn_around(re);
        turn_around(im);
        for (int unit = 0; unit < LANES; unit++) turned[unit] = (C){re[unit], im[unit]};
        C *out = job->d_spectra + ((size_t)(n / LANES) * job->frequencies + f) * channels;
        product(channels, 1, turned, LANES, (const float *)weights, LANES, 2 * LANES, 1, out);
    }
}

/* From the spectra of two channels' gradients to the gradients of LANES units' weights. */
static void weight_gradients_pair(Job *job, int unit, int pair, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int c = 2 * pair, two = c + 1 < s->channels, lanes = s->hidden - unit * LANES;
    float scale = 1.0f / (float)plan->length;
    for (int f = 0; f < job->frequencies; f++) {
        const C *d = job->d_weights + (size_t)f * s->channels + c;
        together(plan, table, f, d[0], two ? d[1] : d[0]);
    }
    whole_transform(plan, table, scratch_of(job, thread));
    for (int half = 0; half <= two; half++)
        for (int k = 0; k < s->taps; k += LANES) {
            V a[LANES];
            for (int i = 0; i < LANES; i++) {
                const C *from = table + place_out(plan, k + i < s->taps ? k + i : s->taps - 1);
                a[i] = scale * (half ? from->re : from->im);
            }
            turn_around(a);
            int count = s->taps - k < LANES ? s->taps - k : LANES;
            for (int lane = 0; lane < LANES && lane < lanes; lane++)
                memcpy(job->d_weight + (((size_t)unit * LANES + lane) * s->channels + c + half) * s->taps + k, &a[lane], sizeof(float) * count);
        }
}

#define FREQUENCIES 8 /* that are taken at once */
static void backward_thread(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    int channel_pairs = (s->channels + 1) / 2, block_pairs = (s->blocks + 1) / 2;
    int *taken = job->taken;
    (void)item;
    for (int unit = 0; unit < job->units; unit++, taken += 3) {
        for (int i; (i = __atomic_fetch_add(taken, 1, __ATOMIC_RELAXED)) < channel_pairs + block_pairs;)
            if (i < channel_pairs) weights_pair(job, unit, i, job->weights, table_of(job, thread, 0), scratch_of(job, thread));
            else gradients_pair(job, unit, i - channel_pairs, thread);
        meet(job->meeting);
        for (int i; (i = FREQUENCIES * __atomic_fetch_add(taken + 1, 1, __ATOMIC_RELAXED)) < job->frequencies;)
            for (int f = i; f < i + FREQUENCIES && f < job->frequencies; f++) frequency(job, f);
        meet(job->meeting);
        for (int i; (i = __atomic_fetch_add(taken + 2, 1, __ATOMIC_RELAXED)) < channel_pairs;) weight_gradients_pair(job, unit, i, thread);
    }
}

/* From spectra to the gradients of two channels of LANES blocks. */
static void feature_gradients_item(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int pairs = (s->channels + 1) / 2, c = 2 * (item % pairs), n = item / pairs * LANES, two = c + 1 < s->channels;
    for (int f = 0; f < job->frequencies; f++) {
        const C *d = job->d_spectra + ((size_t)(item / pairs) * job->frequencies + f) * s->channels + c;
        together(plan, table, f, d[0], two ? d[1] : d[0]);
    }
    whole_transform(plan, table, scratch_of(job, thread));
    for (int half = 0; half <= two; half++)
        for (int lane = 0; lane < LANES && n + lane < s->blocks; lane++) {
            float *to = job->d_features + (n + lane) * s->block_stride + (c + half) * s->channel_stride;
            const float *from = (const float *)table + (half ? 0 : LANES) + lane;
            for (int k1 = 0; k1 < plan->rows; k1++)
                for (int t = k1, k2 = 0; t < s->samples; t += plan->rows, k2++)
                    to[t] = from[((ptrdiff_t)k1 * plan->pitch + k2) * 2 * LANES];
        }
}

/* The gradients of everything that s2p_forward took, from those of its answers and what it kept (`spectra`, `kept`).
 * The features are chunks of their own (block_stride >= channel_stride). Returns 0, or 1 where memory ran out. */
int s2p_backward(const Shape *s, const float *weight, const float *output, const float *gradient, float *spectra, float *kept,
                 float *d_features, float *d_weight, float *d_bias, float *d_output) {
    Plan *plan = plan_of(s->length);
    Job job = {.s = s, .plan = plan, .weight = weight, .output = output, .gradient = gradient, .spectra = spectra, .kept = kept,
               .d_features = d_features, .d_weight = d_weight};
    sizes(&job);
    int blocks = s->blocks + s->blocks % 2, vectors = (s->blocks + LANES - 1) / LANES;
    size_t partial = (size_t)s->threads * (1 + s->outputs) * job.units * LANES, d_spectra = (size_t)vectors * job.frequencies * s->channels;
    job.weights = room(sizeof(C) * job.frequencies * s->channels);
    job.d_weights = room(sizeof(C) * job.frequencies * s->channels);
    job.g = room(sizeof(C) * job.frequencies * blocks);
    job.d_spectra = room(sizeof(C) * d_spectra);
    job.partial = room(sizeof(float) * partial);
    job.taken = calloc(3 * job.units, sizeof(int));
    int failed = !rooms(&job) || !job.weights || !job.d_weights || !job.g || !job.d_spectra || !job.partial || !job.taken;
    if (!failed) {
        memset(job.d_spectra, 0, sizeof(C) * d_spectra);
        memset(job.partial, 0, sizeof(float) * partial);
        together_in_step(backward_thread, &job, s->threads);
        share(feature_gradients_item, &job, vectors * ((s->channels + 1) / 2), s->threads);
        for (int i = 0; i < s->hidden; i++)
            for (int a = 0; a <= s->outputs; a++) {
                float sum = 0;
                for (int thread = 0; thread < s->threads; thread++)
                    sum += job.partial[((size_t)thread * (1 + s->outputs) + a) * job.units * LANES + i];
                if (a) d_output[(size_t)(a - 1) * s->hidden + i] = sum;
                else d_bias[i] = sum;
            }
    }
    free(job.weights), free(job.d_weights), free(job.g), free(job.d_spectra), free(job.partial), free(job.taken);
    free(job.tables), free(job.scratch);
    plan_free(plan);
    return failed;
}

/* ---- convolutions ---------------------------------------------------------------------------------------------------- */

#define STRETCH 512 /* samples that go through all convolutions at once, so that what lies between stays in the cache */
#define WIDE 2      /* vectors of samples kept in registers */

typedef struct {
    int32_t layers, threads;
    int32_t channels[16], kernels[16];
} Convolutions;

typedef struct {
    const Convolutions *s;
    const float *series;
    int64_t results, out_stride;
    float *const *packed; /* of each layer: [outs / OUTS][in][kernel][OUTS] */
    const float *const *bias;
    float *out, *between;
    int64_t between_stride;
    int widest;
} ConvolutionJob;

/* One convolution and ReLU over `count` results: lanes are samples. */
static void convolve(const float *x, int64_t xs, int ins, int kernel, const float *packed, const float *bias, int outs, float *y,
                     int64_t ys, int count) {
    for (int t = 0; t < count; t += WIDE * LANES)
        for (int o = 0; o < outs; o += OUTS) {
            const float *w = packed + (size_t)o * ins * kernel;
            V sum[OUTS][WIDE];
            for (int m = 0; m < OUTS; m++)
                for (int v = 0; v < WIDE; v++) sum[m][v] = (V){0} + (o + m < outs ? bias[o + m] : 0.0f);
            for (int i = 0; i < ins; i++)
                for (int k = 0; k < kernel; k++, w += OUTS) {
                    V at[WIDE];
                    for (int v = 0; v < WIDE; v++) at[v] = *(const U *)(x + i * xs + t + k + v * LANES);
                    for (int m = 0; m < OUTS; m++)
                        for (int v = 0; v < WIDE; v++) sum[m][v] += at[v] * w[m];
                }
            for (int m = 0; m < OUTS && o + m < outs; m++)
                for (int v = 0; v < WIDE; v++) *(U *)(y + (o + m) * ys + t + v * LANES) = positive(sum[m][v]);
        }
}

static void convolutions_item(void *argument, int item, int thread) {
    ConvolutionJob *job = argument;
    const Convolutions *s = job->s;
    int64_t first = (int64_t)item * STRETCH, stride = job->between_stride;
    int count = job->results - first < STRETCH ? (int)(job->results - first) : STRETCH, length = count, ins = 1;
    for (int i = 0; i < s->layers; i++) length += s->kernels[i] - 1;
    float *from = job->between + (size_t)thread * 2 * job->widest * stride, *to = from + job->widest * stride;
    memcpy(from, job->series + first, sizeof(float) * length);
    for (int i = 0; i < s->layers; i++) {
        length -= s->kernels[i] - 1;
        convolve(from, stride, ins, s->kernels[i], job->packed[i], job->bias[i], s->channels[i], to, stride, length);
        ins = s->channels[i];
        float *other = from;
        from = to;
        to = other;
    }
    for (int c = 0; c < ins; c++) memcpy(job->out + c * job->out_stride + first, from + c * stride, sizeof(float) * count);
}

/* out[channel][results] of a series of `samples`: all convolutions, without padding. Returns 0, or 1 where memory ran out. */
int s2p_features(const Convolutions *s, const float *series, int64_t samples, const float *const *weight, const float *const *bias,
                 float *out, int64_t out_stride) {
    float *packed[16] = {NULL};
    ConvolutionJob job = {.s = s, .series = series, .results = samples, .out_stride = out_stride, .packed = packed, .bias = bias, .out = out};
    int failed = 0, ins = 1, halo = 0;
    for (int i = 0; i < s->layers; i++) {
        int outs = s->channels[i], kernel = s->kernels[i], padded = (outs + OUTS - 1) / OUTS * OUTS;
        packed[i] = room(sizeof(float) * padded * ins * kernel);
        if (!packed[i]) failed = 1;
        for (int o = 0; o < padded && packed[i]; o++)
            for (int j = 0; j < ins * kernel; j++)
                packed[i][((size_t)(o / OUTS) * ins * kernel + j) * OUTS + o % OUTS] = o < outs ? weight[i][(size_t)o * ins * kernel + j] : 0.0f;
        if (outs > job.widest) job.widest = outs;
        ins = outs;
        halo += kernel - 1;
    }
    job.results -= halo;
    job.between_stride = (STRETCH + halo + 2 * WIDE * LANES + 15) / 16 * 16;
    size_t bytes = sizeof(float) * 2 * s->threads * job.widest * job.between_stride;
    job.between = room(bytes);
    if (!failed && job.between) {
        memset(job.between, 0, bytes);
        share(convolutions_item, &job, (int)((job.results + STRETCH - 1) / STRETCH), s->threads);
    } else
        failed = 1;
    free(job.between);
    for (int i = 0; i < s->layers; i++) free(packed[i]);
    return failed;
}
