/* Hidden layer and output, forward: first Linear, ReLU, dropout and output weights. */

/* Return x scaled up, with each lane zeroed or not by a hash of the seed and its place. */
INLINE V drop_out(V x, uint32_t seed, uint32_t place, uint32_t least, float scale) {
    N h;
    for (int lane = 0; lane < LANES; lane++) h[lane] = (place * LANES + lane) * 0x9E3779B1u ^ seed;
    h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
    h = (h ^ (h >> 13)) * 0xC2B2AE35u;
    h ^= h >> 16;
    return (V)((I)(x * scale) & ((h >> 8) >= least));
}

/* Return the sums to which a thread adds a unit's share of the predictions: those of the unit where
 * there is a backward pass, else those of the thread.
 *
 * A training then has the same numbers with any number of threads. Predictions alone are of long
 * series, and sums for each unit would not fit the memory. */
INLINE int sums_of(const Job *job, int unit, int thread) { return job->kept ? unit : thread; }

/* Add a unit's share of the predictions of a pair of blocks to its sums.
 *
 * `table` holds the hidden values' spectra, of which the columns are transformed. The hidden values
 * go to `kept` where there is a backward pass. */
static void predict_pair(Job *job, int unit, int pair, C *table, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *scratch = scratch_of(job, thread), *row = table; /* rows are transformed in place */
    int lanes = s->hidden - unit * LANES;
    size_t block = (size_t)plan->rows * job->padded_columns;
    uint32_t least = (uint32_t)(s->dropout * 16777216.0f);
    float scale = 1.0f / (1.0f - s->dropout);
    for (int k1 = 0; k1 < plan->rows; k1++, row += plan->pitch) {
        int count = job->hop > k1 ? (job->hop - k1 + plan->rows - 1) / plan->rows : 0;
        size_t place = ((size_t)unit * ((s->blocks + 1) / 2) + pair) * plan->rows + k1;
        place *= job->hop_columns;
        transform(&plan->row, row, 1, row, 1, scratch, NULL);
        for (int k2 = 0; k2 < count; k2++) {
            row[k2] = (C){relu(row[k2].im), relu(row[k2].re)};
            if (s->dropout > 0) {
                row[k2].re = drop_out(row[k2].re, s->seed, 2 * (place + k2), least, scale);
                row[k2].im = drop_out(row[k2].im, s->seed, 2 * (place + k2) + 1, least, scale);
            }
        }
        if (job->kept) memcpy((C *)job->kept + place, row, sizeof(C) * count);
        for (int a = 0; a < s->outputs; a++) {
            V v = {0};
            for (int lane = 0; lane < LANES && lane < lanes; lane++)
                v[lane] = job->output[(size_t)a * s->hidden + unit * LANES + lane];
            size_t n = (size_t)sums_of(job, unit, thread) * s->outputs + a;
            n = n * (job->groups * OUTS) + 2 * pair;
            float *sums = job->sums + n * block + (size_t)k1 * job->padded_columns;
            for (int first = 0; first < count; first += LANES) {
                V x[LANES], y[LANES];
                for (int i = 0; i < LANES; i++) {
                    int k2 = first + i < count ? first + i : count - 1;
                    x[i] = v * row[k2].re;
                    y[i] = v * row[k2].im;
                }
                *(V *)(sums + first) += sum_lanes(x);
                *(V *)(sums + block + first) += sum_lanes(y);
            }
        }
    }
}

/* Add a unit's share of the predictions of a part of the groups to its sums. */
static void predict_unit(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    int unit = item / job->parts, part = item % job->parts, channels = s->channels;
    C *weights = weights_of(job, thread), *scratch = scratch_of(job, thread);
    for (int c = 0; c < channels; c += 2)
        transform_weights(job, unit, c, (Part){0, channels}, thread);
    int lanes = s->hidden - unit * LANES;
    V bias = {0};
    for (int lane = 0; lane < LANES && lane < lanes; lane++)
        bias[lane] = job->bias[unit * LANES + lane];
    int first = job->groups * part / job->parts, end = job->groups * (part + 1) / job->parts;
    for (int group = first; group < end; group++) {
        int n = group * OUTS, blocks = s->blocks - n < OUTS ? s->blocks - n : OUTS;
        blocks += blocks % 2;
        for (int f = 0; f < job->frequencies; f++) {
            const C *w = weights + (size_t)f * channels;
            C h[OUTS];
            multiply_spectra(blocks, 0, w, channels, spectrum_at(job, group, f), 1, 2, 2 * OUTS, h);
            if (!f)
                for (int m = 0; m < blocks; m++) h[m].re += bias;
            for (int m = 0; m < blocks; m += 2)
                join_pair(plan, table_of(job, thread, m / 2), f, h[m], h[m + 1]);
        }
        for (int m = 0; m < blocks; m += 2) {
            transform_columns(plan, table_of(job, thread, m / 2), scratch);
            predict_pair(job, unit, (n + m) / 2, table_of(job, thread, m / 2), thread);
        }
    }
}

/* Add all sums up, to predictions[outputs][blocks][hop]. */
static void add_sums(const Job *job, float *predictions) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    size_t blocks = (size_t)job->groups * OUTS, several = job->kept ? job->units : s->threads;
    for (int a = 0; a < s->outputs; a++)
        for (int n = 0; n < s->blocks; n++) {
            float *to = predictions + ((size_t)a * s->blocks + n) * job->hop;
            for (int k1 = 0; k1 < plan->rows; k1++)
                for (int k2 = 0, t = k1; t < job->hop; k2++, t += plan->rows) {
                    float sum = 0;
                    for (size_t i = 0; i < several; i++) {
                        size_t row = ((i * s->outputs + a) * blocks + n) * plan->rows + k1;
                        sum += job->sums[row * job->padded_columns + k2];
                    }
                    to[t] = sum;
                }
        }
}

/* Compute predictions[outputs][blocks][hop], without the output's bias, from features and weights.
 *
 * Writes `spectra`, and `kept` where it is not NULL; s2p_backward reads both. Returns 0, or 1 where
 * memory ran out. */
int s2p_forward(const Shape *s, const float *features, const float *weight, const float *bias,
                const float *output, float *spectra, float *kept, float *predictions) {
    Plan *plan = new_plan(s->length);
    Job job = {.s = s, .plan = plan, .features = features, .weight = weight, .bias = bias,
               .output = output, .spectra = spectra, .kept = kept};
    set_sizes(&job);
    size_t threads = s->threads, several = kept ? job.units : s->threads;
    size_t sums = several * s->outputs * job.groups * OUTS * plan->rows * job.padded_columns;
    job.sums = allocate(sizeof(float) * sums);
    job.weights = allocate(sizeof(C) * threads * job.frequencies * s->channels);
    int failed = !allocate_tables(&job) || !job.sums || !job.weights;
    if (!failed) {
        memset(job.sums, 0, sizeof(float) * sums);
        run_items(transform_features, &job, (s->blocks + 1) / 2, s->threads);
        job.parts = job.units >= 2 * s->threads ? 1 : (2 * s->threads + job.units - 1) / job.units;
        if (job.parts > job.groups) job.parts = job.groups;
        run_items(predict_unit, &job, job.units * job.parts, s->threads);
        add_sums(&job, predictions);
    }
    free(job.sums), free(job.weights), free(job.tables), free(job.scratch);
    free_plan(plan);
    return failed;
}
