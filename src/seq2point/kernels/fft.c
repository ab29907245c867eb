/* Complex Fourier transforms of LANES series at once, of lengths with no prime factor above 5.
 *
 * A transform of `length` points goes in two steps over a table that fits the second-level cache:
 * its columns, then its rows, each inside the first-level cache. Two real series share one complex
 * transform. Only forward transforms are written: an inverse one is a forward one with real and
 * imaginary parts exchanged, before and after. */

#define MAX_FACTORS 16

/* A short transform, as a product of `count` small ones. */
typedef struct {
    int length, count, radix[MAX_FACTORS];
    float *twiddles[MAX_FACTORS]; /* of each factor: [place][radix - 1] complex numbers */
} Factors;

/* A transform of length = rows * columns points, over a table [rows][pitch] of C. */
typedef struct {
    int length, rows, columns;
    int pitch;           /* odd, so that a column meets every cache set */
    Factors column, row; /* transforms of `rows` and of `columns` points */
    float *twiddles;     /* [columns][rows] complex: the factors of the columns' results */
} Plan;

/* Write exp(-2 pi i turns) to at[2]. */
static void write_root(float *at, double turns) {
    at[0] = (float)cos(2 * M_PI * turns);
    at[1] = (float)-sin(2 * M_PI * turns);
}

/* Factorise a transform of `length` points, and compute its twiddles. */
static void init_factors(Factors *factors, int length) {
    static const int radices[] = {8, 4, 5, 3, 2};
    int left = length;
    factors->length = length;
    factors->count = 0;
    while (left > 1) {
        int radix = 0;
        for (int i = 0; i < 5 && !radix; i++)
            if (left % radices[i] == 0 && !(radices[i] == 8 && left == 16)) radix = radices[i];
        int places = left / radix;
        float *w = malloc(sizeof(float) * 2 * (radix - 1) * places);
        for (int p = 0; p < places; p++)
            for (int k = 1; k < radix; k++)
                write_root(w + 2 * (p * (radix - 1) + k - 1), (double)p * k / left);
        factors->radix[factors->count] = radix;
        factors->twiddles[factors->count++] = w;
        left = places;
    }
}

/* Free the twiddles of a short transform. */
static void free_factors(Factors *factors) {
    for (int i = 0; i < factors->count; i++) free(factors->twiddles[i]);
}

/* Return a plan for `length` points, which must be even and have no prime factor above 5. The table
 * is as near to a square as the length allows. */
static Plan *new_plan(int length) {
    Plan *plan = malloc(sizeof(Plan));
    int rows = 1;
    for (int r = 2; r * r <= length; r++)
        if (length % r == 0) rows = r;
    plan->length = length;
    plan->rows = rows;
    plan->columns = length / rows;
    plan->pitch = plan->columns | 1;
    init_factors(&plan->column, rows);
    init_factors(&plan->row, plan->columns);
    plan->twiddles = malloc(sizeof(float) * 2 * length);
    for (int j = 0; j < plan->columns; j++)
        for (int k = 0; k < rows; k++)
            write_root(plan->twiddles + 2 * (j * rows + k), (double)j * k / length);
    return plan;
}

/* Free a plan. */
static void free_plan(Plan *plan) {
    free_factors(&plan->column);
    free_factors(&plan->row);
    free(plan->twiddles);
    free(plan);
}

/* Return where sample t lies in the table before a transform. */
INLINE ptrdiff_t sample_index(const Plan *plan, int t) {
    return (ptrdiff_t)(t / plan->columns) * plan->pitch + t % plan->columns;
}

/* Return where frequency f lies in the table after a transform. */
INLINE ptrdiff_t frequency_index(const Plan *plan, int f) {
    return (ptrdiff_t)(f % plan->rows) * plan->pitch + f / plan->rows;
}

/* Return how many C a table has. */
INLINE size_t table_size(const Plan *plan) { return (size_t)plan->rows * plan->pitch; }

/* Set the samples from `first` on to zero. */
static void clear_samples_from(const Plan *plan, C *table, int first) {
    for (int t = first; t < plan->length; t++) table[sample_index(plan, t)] = (C){{0}, {0}};
}

/* Transform four points in place. */
INLINE void butterfly_4(C *a, C *b, C *c, C *d) {
    C ac = add(*a, *c), a_c = subtract(*a, *c);
    C bd = add(*b, *d), b_d = multiply_by_minus_i(subtract(*b, *d));
    *a = add(ac, bd);
    *b = add(a_c, b_d);
    *c = subtract(ac, bd);
    *d = subtract(a_c, b_d);
}

/* Transform a[radix] in place; radix 2, 3, 4, 5 or 8. */
INLINE void butterfly(const int radix, C *a) {
    if (radix == 2) {
        C sum = add(a[0], a[1]);
        a[1] = subtract(a[0], a[1]);
        a[0] = sum;
    } else if (radix == 3) {
        const float s = 0.86602540378443864676f;
        C sum = add(a[1], a[2]), difference = multiply_by_minus_i(subtract(a[1], a[2]));
        C middle = {a[0].re - 0.5f * sum.re, a[0].im - 0.5f * sum.im};
        a[0] = add(a[0], sum);
        a[1] = (C){middle.re + s * difference.re, middle.im + s * difference.im};
        a[2] = (C){middle.re - s * difference.re, middle.im - s * difference.im};
    } else if (radix == 4) {
        butterfly_4(a, a + 1, a + 2, a + 3);
    } else if (radix == 5) {
        const float c1 = 0.30901699437494742410f, c2 = -0.80901699437494742410f;
        const float s1 = 0.95105651629515357212f, s2 = 0.58778525229247312917f;
        C p = add(a[1], a[4]), q = add(a[2], a[3]);
        C m = multiply_by_minus_i(subtract(a[1], a[4]));
        C n = multiply_by_minus_i(subtract(a[2], a[3]));
        C u = {a[0].re + c1 * p.re + c2 * q.re, a[0].im + c1 * p.im + c2 * q.im};
        C v = {a[0].re + c2 * p.re + c1 * q.re, a[0].im + c2 * p.im + c1 * q.im};
        C x = {s1 * m.re + s2 * n.re, s1 * m.im + s2 * n.im};
        C y = {s2 * m.re - s1 * n.re, s2 * m.im - s1 * n.im};
        a[0] = add(a[0], add(p, q));
        a[1] = add(u, x);
        a[2] = add(v, y);
        a[3] = subtract(v, y);
        a[4] = subtract(u, x);
    } else { /* 8: even and odd fours */
        const float r = 0.70710678118654752440f;
        butterfly_4(a, a + 2, a + 4, a + 6);
        butterfly_4(a + 1, a + 3, a + 5, a + 7);
        C o1 = {r * (a[3].re + a[3].im), r * (a[3].im - a[3].re)};
        C o2 = multiply_by_minus_i(a[5]);
        C o3 = {r * (a[7].im - a[7].re), -r * (a[7].re + a[7].im)};
        C e0 = a[0], e1 = a[2], e2 = a[4], e3 = a[6], o0 = a[1];
        a[0] = add(e0, o0);
        a[1] = add(e1, o1);
        a[2] = add(e2, o2);
        a[3] = add(e3, o3);
        a[4] = subtract(e0, o0);
        a[5] = subtract(e1, o1);
        a[6] = subtract(e2, o2);
        a[7] = subtract(e3, o3);
    }
}

/* Apply one factor of a self-sorting transform (Stockham), from x to y, of strides xs and ys.
 *
 * x holds `places` groups of `done` finished series, for each of `radix` points. `after`, where it
 * is not NULL, holds a complex factor for each result. */
INLINE void apply_radix(const int radix, int places, int done, const C *x, ptrdiff_t xs, C *y,
                        ptrdiff_t ys, const float *twiddles, const float *after) {
    for (int p = 0; p < places; p++) {
        const float *w = twiddles + 2 * p * (radix - 1);
        for (int q = 0; q < done; q++) {
            C a[8];
            for (int k = 0; k < radix; k++) a[k] = x[(q + done * (p + places * (ptrdiff_t)k)) * xs];
            butterfly(radix, a);
            for (int k = 0; k < radix; k++) {
                ptrdiff_t at = q + done * (radix * (ptrdiff_t)p + k);
                if (k && places > 1) a[k] = multiply(a[k], w + 2 * (k - 1));
                if (after) a[k] = multiply(a[k], after + 2 * at);
                y[at * ys] = a[k];
            }
        }
    }
}

/* Apply one factor, as apply_radix does, with code of its own for each radix. */
static void apply_factor(int radix, int places, int done, const C *x, ptrdiff_t xs, C *y,
                         ptrdiff_t ys, const float *w, const float *after) {
#define CASE(r)                                                          \
    case r:                                                              \
        if (after) apply_radix(r, places, done, x, xs, y, ys, w, after); \
        else apply_radix(r, places, done, x, xs, y, ys, w, NULL);        \
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

/* Do a short transform from x[length] to y[length], of strides xs and ys; x may be y.
 *
 * `scratch` has 2 * length C. `after`, where it is not NULL, holds a complex factor for each
 * result. */
static void transform(const Factors *factors, const C *x, ptrdiff_t xs, C *y, ptrdiff_t ys,
                      C *scratch, const float *after) {
    int left = factors->length, done = 1;
    const C *from = x;
    ptrdiff_t from_stride = xs;
    if (!factors->count) y[0] = after ? multiply(x[0], after) : x[0];
    for (int i = 0; i < factors->count; i++) {
        int radix = factors->radix[i], last = i == factors->count - 1;
        C *to = last ? y : scratch + (i % 2) * factors->length;
        left /= radix;
        apply_factor(radix, left, done, from, from_stride, to, last ? ys : 1,
                     factors->twiddles[i], last ? after : NULL);
        done *= radix;
        from = to;
        from_stride = 1;
    }
}

/* Transform the columns of a table in place, and multiply them by the plan's twiddles. */
static void transform_columns(const Plan *plan, C *table, C *scratch) {
    for (int j = 0; j < plan->columns; j++)
        transform(&plan->column, table + j, plan->pitch, table + j, plan->pitch, scratch,
                  plan->twiddles + 2 * j * plan->rows);
}

/* Transform a table in place: samples at sample_index to frequencies at frequency_index. */
static void transform_table(const Plan *plan, C *table, C *scratch) {
    transform_columns(plan, table, scratch);
    for (int i = 0; i < plan->rows; i++) {
        C *row = table + (ptrdiff_t)i * plan->pitch;
        transform(&plan->row, row, 1, row, 1, scratch, NULL);
    }
}

/* Split a transform into the spectra at f of the two real series that shared it: `first` was its
 * real part, `second` its imaginary one. `scale` is half of what they are multiplied by. */
INLINE void split_pair(const Plan *plan, const C *table, int f, float scale, C *first, C *second) {
    C a = table[frequency_index(plan, f)];
    C b = table[frequency_index(plan, f ? plan->length - f : 0)];
    *first = (C){scale * (a.re + b.re), scale * (a.im - b.im)};
    *second = (C){scale * (a.im + b.im), scale * (b.re - a.re)};
}

/* Join the spectra a and b at f of two real series for an inverse transform. Its real and imaginary
 * parts are exchanged: after it the first series is the imaginary part, the second the real one. */
INLINE void join_pair(const Plan *plan, C *table, int f, C a, C b) {
    table[sample_index(plan, f)] = (C){a.im + b.re, a.re - b.im};
    if (f) table[sample_index(plan, plan->length - f)] = (C){b.re - a.im, a.re + b.im};
}
