/* Hidden layer and output, backward: gradients of features, weights, biases and output weights. */

#define FREQUENCIES 8 /* that a thread takes at once */

/* Transform the hidden values' gradients of a unit and a pair of blocks: to d_hidden[f][block].
 * Adds their share to the thread's gradients of biases and output weights. */
static void transform_hidden_gradients(Job *job, int unit, int pair, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    size_t place = ((size_t)unit * ((s->blocks + 1) / 2) + pair) * plan->rows * job->hop_columns;
    const C *kept = (const C *)job->kept + place;
    int lanes = s->hidden - unit * LANES, n = 2 * pair, two = n + 1 < s->blocks;
    float scale = 1.0f / (1.0f - s->dropout);
    size_t partial_size = (size_t)(1 + s->outputs) * job->units * LANES;
    V *partial = (V *)(job->partial + thread * partial_size) + unit;
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
        partial[0] += d_bias;
        partial[(size_t)(1 + a) * job->units] += d_output;
    }
    transform_table(plan, table, scratch_of(job, thread));
    int blocks = s->blocks + s->blocks % 2;
    for (int f = 0; f < job->frequencies; f++) {
        C *to = job->d_hidden + (size_t)f * blocks + n;
        split_pair(plan, table, f, 0.5f, to, to + 1);
    }
}

/* Multiply the spectra of a unit at one frequency. Sets d_weights[f], adds to d_spectra[..][f]. */
static void multiply_frequency(Job *job, int f) {
    const Shape *s = job->s;
    int channels = s->channels, blocks = s->blocks + s->blocks % 2;
    const C *g = job->d_hidden + (size_t)f * blocks;
    const float *weights = (const float *)(job->weights + (size_t)f * channels);
    C *d_weights = job->d_weights + (size_t)f * channels;
    for (int group = 0; group < job->groups; group++) {
        int left = s->blocks - group * OUTS, count = left < OUTS ? left : OUTS;
        const float *x = spectrum_at(job, group, f);
        if (group)
            multiply_spectra(channels, 1, g + group * OUTS, count, x, 1, 2 * OUTS, 2, d_weights);
        else multiply_spectra(channels, 0, g, count, x, 1, 2 * OUTS, 2, d_weights);
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
        C *out = job->d_spectra + ((size_t)(n / LANES) * job->frequencies + f) * channels;
        multiply_spectra(channels, 1, turned, LANES, weights, LANES, 2 * LANES, 1, out);
    }
}

/* Invert d_weights[f] of a unit and a pair of channels: to d_weight[hidden][channels][taps]. */
static void invert_weight_gradients(Job *job, int unit, int pair, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int c = 2 * pair, two = c + 1 < s->channels, lanes = s->hidden - unit * LANES;
    float scale = 1.0f / (float)plan->length;
    for (int f = 0; f < job->frequencies; f++) {
        const C *d = job->d_weights + (size_t)f * s->channels + c;
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

/* Do the backward pass of one unit after the other, in step with the other threads: spectra of
 * weights and hidden gradients, products at each frequency, then gradients of the weights. */
static void run_backward(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    C *table = table_of(job, thread, 0), *scratch = scratch_of(job, thread);
    int channel_pairs = (s->channels + 1) / 2, block_pairs = (s->blocks + 1) / 2;
    int *next = job->next_items;
    (void)item;
    for (int unit = 0; unit < job->units; unit++, next += 3) {
        for (int i; (i = take_item(next)) < channel_pairs + block_pairs;)
            if (i < channel_pairs) transform_weights(job, unit, i, job->weights, table, scratch);
            else transform_hidden_gradients(job, unit, i - channel_pairs, thread);
        wait_at(job->barrier);
        for (int i; (i = FREQUENCIES * take_item(next + 1)) < job->frequencies;)
            for (int f = i; f < i + FREQUENCIES && f < job->frequencies; f++)
                multiply_frequency(job, f);
        wait_at(job->barrier);
        for (int i; (i = take_item(next + 2)) < channel_pairs;)
            invert_weight_gradients(job, unit, i, thread);
    }
}

/* Invert d_spectra of LANES blocks and a pair of channels: to d_features. Lanes are blocks. */
static void invert_feature_gradients(void *argument, int item, int thread) {
    Job *job = argument;
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0);
    int pairs = (s->channels + 1) / 2, vector = item / pairs, n = vector * LANES;
    int c = 2 * (item % pairs), two = c + 1 < s->channels;
    for (int f = 0; f < job->frequencies; f++) {
        const C *d = job->d_spectra + ((size_t)vector * job->frequencies + f) * s->channels + c;
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

/* Add the threads' gradients up, to d_bias[hidden] and d_output[outputs][hidden]. */
static void add_partial_gradients(const Job *job, float *d_bias, float *d_output) {
    const Shape *s = job->s;
    for (int i = 0; i < s->hidden; i++)
        for (int a = 0; a <= s->outputs; a++) {
            float sum = 0;
            for (int thread = 0; thread < s->threads; thread++) {
                size_t row = (size_t)thread * (1 + s->outputs) + a;
                sum += job->partial[row * job->units * LANES + i];
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
    Barrier barrier;
    Job job = {.s = s, .plan = plan, .weight = weight, .output = output, .gradient = gradient,
               .spectra = spectra, .kept = kept, .d_features = d_features, .d_weight = d_weight,
               .barrier = &barrier};
    set_sizes(&job);
    int blocks = s->blocks + s->blocks % 2, vectors = (s->blocks + LANES - 1) / LANES;
    size_t partial = (size_t)s->threads * (1 + s->outputs) * job.units * LANES;
    size_t d_spectra = (size_t)vectors * job.frequencies * s->channels;
    job.weights = allocate(sizeof(C) * job.frequencies * s->channels);
    job.d_weights = allocate(sizeof(C) * job.frequencies * s->channels);
    job.d_hidden = allocate(sizeof(C) * job.frequencies * blocks);
    job.d_spectra = allocate(sizeof(C) * d_spectra);
    job.partial = allocate(sizeof(float) * partial);
    job.next_items = calloc(3 * job.units, sizeof(int));
    int failed = !allocate_tables(&job) || !job.weights || !job.d_weights || !job.d_hidden ||
                 !job.d_spectra || !job.partial || !job.next_items;
    if (!failed) {
        memset(job.d_spectra, 0, sizeof(C) * d_spectra);
        memset(job.partial, 0, sizeof(float) * partial);
        run_in_step(run_backward, &job, &barrier, s->threads);
        int items = vectors * ((s->channels + 1) / 2);
        run_items(invert_feature_gradients, &job, items, s->threads);
        add_partial_gradients(&job, d_bias, d_output);
    }
    free(job.weights), free(job.d_weights), free(job.d_hidden), free(job.d_spectra);
    free(job.partial), free(job.next_items), free(job.tables), free(job.scratch);
    free_plan(plan);
    return failed;
}
