/* Hidden layer and output, backward: gradients of features, weights, biases and output weights. */

#define D_HIDDEN_BYTES ((size_t)8 << 20) /* of the units that are done at once, in the cache */

/* Transform the hidden values' gradients of a unit and a pair of blocks: to d_hidden of the unit.
 * Sets the pair's share of the gradients of biases and output weights. */
static void transform_hidden_gradients(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int pairs = (s->blocks + 1) / 2, unit = job->first_unit + item / pairs, pair = item % pairs;
    size_t place = ((size_t)unit * pairs + pair) * plan->rows * job->hop_columns;
    const C *kept = (const C *)job->kept + place;
    int lanes = s->hidden - unit * LANES, n = 2 * pair, two = n + 1 < s->blocks;
    float scale = 1.0f / (1.0f - s->dropout);
    V *sums = (V *)job->sums + (size_t)pair * (1 + s->outputs) * job->units + unit;
    clear_samples_from(plan, table, job->hop);
    for (int a = 0; a < s->outputs; a++) {
        V v = {0}, d_output = {0}, d_bias = {0};
        const float *first = job->gradient + ((size_t)a * s->blocks + n) * job->hop;
        const float *second = first + (two ? job->hop : 0);
        for (int lane = 0; lane < LANES && lane < lanes; lane++)
            v[lane] = scale * job->output[(size_t)a * s->hidden + unit * LANES + lane];
        for (int k1 = 0; k1 < plan->rows; k1++) {
            const C *h = kept + (size_t)k1 * job->hop_columns;
            int i = k1 / plan->columns, j = k1 % plan->columns;
            for (int t = k1; t < job->hop; t += plan->rows, h++) {
                float x = first[t], y = two ? second[t] : 0.0f;
                C *to = table + (ptrdiff_t)i * plan->pitch + j;
                C g = {(V)((I)(v * x) & (h->re > 0)), (V)((I)(v * y) & (h->im > 0))};
                d_output += h->re * x + h->im * y;
                d_bias += g.re + g.im;
                *to = a ? add(*to, g) : g;
                j += plan->rows;
                while (j >= plan->columns) j -= plan->columns, i++;
            }
        }
        sums[0] += d_bias;
        sums[(size_t)(1 + a) * job->units] += d_output;
    }
    transform_table(plan, table, scratch_of(job, thread));
    int blocks = s->blocks + s->blocks % 2;
    for (int f = 0; f < job->frequencies; f++) {
        C *to = d_hidden_of(job, unit) + (size_t)f * blocks + n;
        split_pair(plan, table, f, 0.5f, to, to + 1);
    }
}

/* Multiply the spectra of a unit at one frequency, for a part of the channels. Sets the thread's
 * d_weights[f], adds to d_spectra[..][f]. */
static void multiply_frequency(Job *job, int unit, int f, Part part, int thread) {
    const Shape *s = job->s;
    int count = part.count, blocks = s->blocks + s->blocks % 2;
    const C *g = d_hidden_of(job, unit) + (size_t)f * blocks;
    const float *weights = (const float *)(weights_of(job, thread) + (size_t)f * count);
    C *d_weights = d_weights_of(job, thread) + (size_t)f * count;
    for (int group = 0; group < job->groups; group++) {
        int left = s->blocks - group * OUTS, n = left < OUTS ? left : OUTS;
        const float *x = spectrum_at(job, group, f) + (size_t)part.first * 2 * OUTS;
        if (group) multiply_spectra(count, 1, g + group * OUTS, n, x, 1, 2 * OUTS, 2, d_weights);
        else multiply_spectra(count, 0, g, n, x, 1, 2 * OUTS, 2, d_weights);
    }
    for (int n = 0; n < blocks; n += LANES) { /* lanes are blocks from here on */
        C turned[LANES];
        V re[LANES], im[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            re[lane] = n + lane < blocks ? g[n + lane].re : (V){0};
            im[lane] = n + lane < blocks ? -g[n + lane].im : (V){0};
        }
        transpose(re);
        transpose(im);
        for (int unit = 0; unit < LANES; unit++) turned[unit] = (C){re[unit], im[unit]};
        C *out = d_spectra_at(job, part, n / LANES, f);
        multiply_spectra(count, 1, turned, LANES, weights, LANES, 2 * LANES, 1, out);
    }
}

/* Invert the thread's d_weights of a unit and of the channels c and c + 1 of a part: to
 * d_weight[hidden][channels][taps]. */
static void invert_weight_gradients(Job *job, int unit, int c, Part part, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int two = c + 1 < s->channels, lanes = s->hidden - unit * LANES;
    float scale = 1.0f / (float)plan->length;
    for (int f = 0; f < job->frequencies; f++) {
        const C *d = d_weights_of(job, thread) + (size_t)f * part.count + c - part.first;
        join_pair(plan, table, f, d[0], two ? d[1] : d[0]);
    }
    transform_table(plan, table, scratch_of(job, thread));
    for (int half = 0; half <= two; half++)
        for (int k = 0; k < s->taps; k += LANES) {
            V a[LANES];
            for (int i = 0; i < LANES; i++) {
                int tap = k + i < s->taps ? k + i : s->taps - 1;
                const C *from = table + frequency_index(plan, tap);
                a[i] = scale * (half ? from->re : from->im);
            }
            transpose(a);
            int count = s->taps - k < LANES ? s->taps - k : LANES;
            for (int lane = 0; lane < LANES && lane < lanes; lane++) {
                size_t row = ((size_t)unit * LANES + lane) * s->channels + c + half;
                memcpy(job->d_weight + row * s->taps + k, &a[lane], sizeof(float) * count);
            }
        }
}

/* Invert d_spectra of LANES blocks and of the channels c and c + 1 of a part: to d_features. Lanes
 * are blocks. */
static void invert_feature_gradients(Job *job, int vector, int c, Part part, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int n = vector * LANES, two = c + 1 < s->channels;
    for (int f = 0; f < job->frequencies; f++) {
        const C *d = d_spectra_at(job, part, vector, f) + c - part.first;
        join_pair(plan, table, f, d[0], two ? d[1] : d[0]);
    }
    transform_table(plan, table, scratch_of(job, thread));
    for (int half = 0; half <= two; half++)
        for (int lane = 0; lane < LANES && n + lane < s->blocks; lane++) {
            int64_t place = (n + lane) * s->block_stride + (c + half) * s->channel_stride;
            float *to = job->d_features + place;
            const float *from = (const float *)table + (half ? 0 : LANES) + lane;
            for (int k1 = 0; k1 < plan->rows; k1++)
                for (int t = k1, k2 = 0; t < s->samples; t += plan->rows, k2++)
                    to[t] = from[((ptrdiff_t)k1 * plan->pitch + k2) * 2 * LANES];
        }
}

/* Return a part of the channels, of which no pair is cut. */
static Part part_of(const Job *job, int number) {
    int channels = job->s->channels, step = OUTS / 2;
    int first = channels * number / job->parts / step * step;
    int end = channels * (number + 1) / job->parts / step * step;
    if (number + 1 == job->parts) end = channels;
    return (Part){first, end - first};
}

/* Do the rest of the backward pass for a part of the channels, of the units whose hidden gradients
 * are there: spectra of weights, products at each frequency, gradients of weights; at the end those
 * of the features. It adds up in an order that does not depend on the threads. */
static void run_part(void *argument, int number, int thread) {
    Job *job = argument;
    Part part = part_of(job, number);
    int end = part.first + part.count;
    for (int unit = job->first_unit; unit < job->end_unit; unit++) {
        for (int c = part.first; c < end; c += 2) transform_weights(job, unit, c, part, thread);
        for (int f = 0; f < job->frequencies; f++) multiply_frequency(job, unit, f, part, thread);
        for (int c = part.first; c < end; c += 2)
            invert_weight_gradients(job, unit, c, part, thread);
    }
    for (int n = 0; n < job->s->blocks && job->end_unit == job->units; n += LANES)
        for (int c = part.first; c < end; c += 2)
            invert_feature_gradients(job, n / LANES, c, part, thread);
}

/* Add the pairs' gradients up, to d_bias[hidden] and d_output[outputs][hidden]. */
static void add_pair_gradients(const Job *job, float *d_bias, float *d_output) {
    const Shape *s = job->s;
    for (int a = 0; a <= s->outputs; a++)
        for (int i = 0; i < s->hidden; i++) {
            float sum = 0;
            for (int pair = 0; pair < (s->blocks + 1) / 2; pair++) {
                size_t row = (size_t)pair * (1 + s->outputs) + a;
                sum += job->sums[row * job->units * LANES + i];
            }
            if (a) d_output[(size_t)(a - 1) * s->hidden + i] = sum;
            else d_bias[i] = sum;
        }
}

/* Compute the gradients of all that s2p_forward takes.
 *
 * `gradient` is that of its predictions; `spectra` and `kept` are what it wrote. Each gradient has
 * the shape of what it is of. Features are chunks of their own: block_stride >= channel_stride.
 * Returns 0, or 1 where memory ran out. */
int s2p_backward(const Shape *s, const float *weight, const float *output, const float *gradient,
                 float *spectra, float *kept, float *d_features, float *d_weight, float *d_bias,
                 float *d_output) {
    Plan *plan = new_plan(s->length);
    Job job = {.s = s, .plan = plan, .weight = weight, .output = output, .gradient = gradient,
               .spectra = spectra, .kept = kept, .d_features = d_features, .d_weight = d_weight};
    set_sizes(&job);
    int pairs = (s->blocks + 1) / 2, vectors = (s->blocks + LANES - 1) / LANES;
    size_t threads = s->threads, table = sizeof(C) * job.frequencies * s->channels;
    size_t sums = sizeof(float) * pairs * (1 + s->outputs) * job.units * LANES;
    size_t d_hidden = sizeof(C) * job.frequencies * 2 * pairs;
    int together = (int)(D_HIDDEN_BYTES / d_hidden);
    if (together < 1) together = 1;
    if (together > job.units) together = job.units;
    job.parts = (s->channels + OUTS - 1) / OUTS;
    if (job.parts > s->threads) job.parts = s->threads;
    job.weights = allocate(threads * table);
    job.d_weights = allocate(threads * table);
    job.d_hidden = allocate(together * d_hidden);
    job.d_spectra = allocate(vectors * table);
    job.sums = allocate(sums);
    int failed = !allocate_tables(&job) || !job.weights || !job.d_weights || !job.d_hidden ||
                 !job.d_spectra || !job.sums;
    if (!failed) {
        memset(job.d_spectra, 0, vectors * table);
        memset(job.sums, 0, sums);
        for (; job.end_unit < job.units; job.first_unit = job.end_unit) {
            int left = job.units - job.end_unit, count = left < together ? left : together;
            job.end_unit += count;
            run_items(transform_hidden_gradients, &job, count * pairs, s->threads);
            run_items(run_part, &job, job.parts, s->threads);
        }
        add_pair_gradients(&job, d_bias, d_output);
    }
    free(job.weights), free(job.d_weights), free(job.d_hidden), free(job.d_spectra);
    free(job.sums), free(job.tables), free(job.scratch);
    free_plan(plan);
    return failed;
}
