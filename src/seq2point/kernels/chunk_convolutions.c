/* The convolutions of a training: chunks to features, and gradients of the weights.
 *
 * A chunk is an item: all its layers stay in the cache of one thread. The layers' outputs are kept
 * for the way back. Gradients are added up chunk by chunk, so that any number of threads gives the
 * same numbers. */

#define TAPS 5 /* of a block of ROWS outs whose sums are kept in registers, at most */

typedef struct {
    const Convolutions *s;
    int64_t samples, stride;   /* of a chunk; between rows of `kept` */
    int rows, widest, longest; /* rows of `kept` a chunk; the most channels, and taps */
    const float *series;       /* [chunk][samples] */
    float *kept;               /* [chunk][row][stride]: the series, then what each layer gave */
    float *features;           /* [chunk][channel][results] */
    float **packed;            /* forward: as in ConvolutionJob; backward: turned around */
    const float *const *bias;
    const float *d_features; /* [chunk][channel][results] */
    float *partial;          /* [chunk][parameters]: of each layer d_weight, then d_bias */
    int64_t parameters;
    float *scratch; /* [thread][2][widest][scratch_stride] */
    int64_t lead, scratch_stride;
} ChunkJob;

/* Set the sizes of a job, and return it. */
static ChunkJob size_chunks(const Convolutions *s, int64_t samples) {
    ChunkJob job = {.s = s, .samples = samples, .rows = 1};
    for (int i = 0, ins = 1; i < s->layers; ins = s->channels[i++]) {
        job.rows += s->channels[i];
        if (s->channels[i] > job.widest) job.widest = s->channels[i];
        if (s->kernels[i] > job.longest) job.longest = s->kernels[i];
        job.parameters += (int64_t)s->channels[i] * (ins * s->kernels[i] + 1);
    }
    int64_t room = job.longest + 2 * VECTORS * LANES; /* read beyond the end */
    job.stride = (samples + room + 15) / 16 * 16;
    job.lead = (job.longest + 15) / 16 * 16;
    job.scratch_stride = job.lead + job.stride;
    return job;
}

/* Return how many floats `kept` needs. */
int64_t s2p_chunk_floats(const Convolutions *s, int32_t chunks, int64_t samples) {
    ChunkJob job = size_chunks(s, samples);
    return chunks * job.rows * job.stride;
}

/* Do all convolutions of a chunk. */
static void convolve_chunk(void *argument, int chunk, int thread) {
    ChunkJob *job = argument;
    const Convolutions *s = job->s;
    int64_t stride = job->stride, length = job->samples;
    float *x = job->kept + chunk * job->rows * stride;
    (void)thread;
    memcpy(x, job->series + chunk * length, sizeof(float) * length);
    memset(x + length, 0, sizeof(float) * (stride - length));
    for (int i = 0, ins = 1; i < s->layers; ins = s->channels[i++]) {
        float *y = x + ins * stride;
        length -= s->kernels[i] - 1;
        convolve(x, stride, ins, s->kernels[i], job->packed[i], job->bias[i], s->channels[i], 1, y,
                 stride, (int)length);
        for (int c = 0; c < s->channels[i]; c++)
            memset(y + c * stride + length, 0, sizeof(float) * (stride - length));
        x = y;
    }
    int channels = s->channels[s->layers - 1];
    for (int c = 0; c < channels; c++)
        memcpy(job->features + ((int64_t)chunk * channels + c) * length, x + c * stride,
               sizeof(float) * length);
}

/* Compute sums[row][tap] of g[row][t] x[t + tap], for ROWS rows, gs apart. Lanes are samples. */
INLINE void correlate_block(const float *const *g, const float *x, const int taps, int64_t length,
                            V *sums) {
    V sum[ROWS][TAPS] = {{{0}}};
    for (int64_t t = 0; t < length; t += LANES) {
        V at[ROWS];
        for (int m = 0; m < ROWS; m++) {
            at[m] = *(const U *)(g[m] + t);
            KEEP(at[m]);
        }
        for (int k = 0; k < taps; k++) {
            V from = *(const U *)(x + t + k);
            KEEP(from);
            for (int m = 0; m < ROWS; m++) sum[m][k] += at[m] * from;
        }
    }
    for (int m = 0; m < ROWS; m++)
        for (int k = 0; k < taps; k++) sums[m * taps + k] = sum[m][k];
}

/* Write d_weight[outs][ins][kernel] of a layer, from g[outs][..] and x[ins][..]. */
static void correlate(const float *g, int64_t gs, int outs, const float *x, int64_t xs, int ins,
                      int kernel, int64_t length, float *d_weight) {
    int blocks = (kernel + TAPS - 1) / TAPS, most = (kernel + blocks - 1) / blocks;
    for (int o = 0; o < outs; o += ROWS) {
        const float *rows[ROWS];
        for (int m = 0; m < ROWS; m++) rows[m] = g + (o + m < outs ? o + m : outs - 1) * gs;
        for (int i = 0; i < ins; i++)
            for (int k = 0; k < kernel; k += most) {
                V sums[(ROWS * TAPS + LANES - 1) / LANES * LANES] = {{0}};
                const float *from = x + i * xs + k;
                int taps = kernel - k < most ? kernel - k : most;
                switch (taps) {
                case 1: correlate_block(rows, from, 1, length, sums); break;
                case 2: correlate_block(rows, from, 2, length, sums); break;
                case 3: correlate_block(rows, from, 3, length, sums); break;
                case 4: correlate_block(rows, from, 4, length, sums); break;
                default: correlate_block(rows, from, TAPS, length, sums);
                }
                for (int j = 0; j < ROWS * taps; j += LANES) sums[j / LANES] = sum_lanes(sums + j);
                for (int m = 0; m < ROWS && o + m < outs; m++)
                    memcpy(d_weight + ((int64_t)(o + m) * ins + i) * kernel + k,
                           (float *)sums + m * taps, sizeof(float) * taps);
            }
    }
}

/* Zero gradients where the ReLU's output y is not above zero, and outside of the row. Returns their
 * sum. */
static float pass_relu(float *row, int64_t lead, int64_t length, int64_t stride, const float *y) {
    V sum = {0};
    float total = 0;
    memset(row, 0, sizeof(float) * lead);
    memset(row + lead + length, 0, sizeof(float) * (stride - lead - length));
    for (int64_t t = 0; t < length; t += LANES) { /* beyond the length all is zero */
        V g = (V)(*(I *)(row + lead + t) & (*(const U *)(y + t) > 0));
        *(V *)(row + lead + t) = g;
        sum += g;
    }
    for (int lane = 0; lane < LANES; lane++) total += sum[lane];
    return total;
}

/* Do the backward pass of a chunk: its share of all gradients. */
static void convolve_chunk_back(void *argument, int chunk, int thread) {
    ChunkJob *job = argument;
    const Convolutions *s = job->s;
    int64_t stride = job->scratch_stride, lead = job->lead, length = job->samples;
    float *g = job->scratch + (int64_t)thread * 2 * job->widest * stride;
    float *other = g + job->widest * stride;
    float *y = job->kept + ((int64_t)(chunk + 1) * job->rows) * job->stride;
    float *partial = job->partial + (chunk + 1) * job->parameters;
    static const float no_bias[OUTS];
    for (int i = 0; i < s->layers; i++) length -= s->kernels[i] - 1;
    int channels = s->channels[s->layers - 1];
    for (int c = 0; c < channels; c++)
        memcpy(g + c * stride + lead, job->d_features + ((int64_t)chunk * channels + c) * length,
               sizeof(float) * length);
    for (int i = s->layers - 1; i >= 0; i--) {
        int outs = s->channels[i], ins = i ? s->channels[i - 1] : 1, kernel = s->kernels[i];
        y -= outs * job->stride;
        partial -= outs;
        for (int o = 0; o < outs; o++)
            partial[o] = pass_relu(g + o * stride, lead, length, stride, y + o * job->stride);
        partial -= (int64_t)outs * ins * kernel;
        correlate(g + lead, stride, outs, y - ins * job->stride, job->stride, ins, kernel, length,
                  partial);
        if (!i) break;
        length += kernel - 1;
        for (int c = 0; c < ins; c += OUTS)
            convolve(g + lead - kernel + 1, stride, outs, kernel,
                     job->packed[i] + (int64_t)c * outs * kernel, no_bias,
                     ins - c < OUTS ? ins - c : OUTS, 0, other + c * stride + lead, stride,
                     (int)length);
        float *swap = g;
        g = other;
        other = swap;
    }
}

/* Return weight[outs][ins][kernel] turned around for the way back, and packed: outs and ins
 * exchanged, the last tap first. NULL where memory ran out. */
static float *pack_turned(const float *weight, int outs, int ins, int kernel) {
    float *turned = allocate(sizeof(float) * outs * ins * kernel), *packed = NULL;
    for (int o = 0; o < outs && turned; o++)
        for (int i = 0; i < ins; i++)
            for (int k = 0; k < kernel; k++)
                turned[((int64_t)i * outs + o) * kernel + kernel - 1 - k] =
                    weight[((int64_t)o * ins + i) * kernel + k];
    if (turned) packed = pack_weights(turned, ins, outs * kernel);
    free(turned);
    return packed;
}

/* Compute features[chunk][channel][results] of series[chunk][samples], and keep what
 * s2p_chunk_backward needs. Returns 0, or 1 where memory ran out. */
int s2p_chunk_forward(const Convolutions *s, int32_t chunks, int64_t samples, const float *series,
                      const float *const *weight, const float *const *bias, float *kept,
                      float *features) {
    float *packed[MAX_CONVOLUTIONS] = {NULL};
    ChunkJob job = size_chunks(s, samples);
    int failed = 0;
    job.series = series, job.kept = kept, job.features = features;
    job.packed = packed, job.bias = bias;
    for (int i = 0, ins = 1; i < s->layers; ins = s->channels[i++]) {
        packed[i] = pack_weights(weight[i], s->channels[i], ins * s->kernels[i]);
        if (!packed[i]) failed = 1;
    }
    if (!failed) run_items(convolve_chunk, &job, chunks, s->threads);
    for (int i = 0; i < s->layers; i++) free(packed[i]);
    return failed;
}

/* Compute the gradients of weights and biases from those of the features. Returns 0, or 1 where
 * memory ran out. */
int s2p_chunk_backward(const Convolutions *s, int32_t chunks, int64_t samples,
                       const float *const *weight, float *kept, const float *d_features,
                       float *const *d_weight, float *const *d_bias) {
    float *packed[MAX_CONVOLUTIONS] = {NULL};
    ChunkJob job = size_chunks(s, samples);
    size_t scratch = sizeof(float) * s->threads * 2 * job.widest * job.scratch_stride;
    job.kept = kept, job.d_features = d_features, job.packed = packed;
    job.partial = allocate(sizeof(float) * chunks * job.parameters);
    job.scratch = allocate(scratch);
    int failed = !job.partial || !job.scratch;
    for (int i = 1; i < s->layers; i++) {
        packed[i] = pack_turned(weight[i], s->channels[i], s->channels[i - 1], s->kernels[i]);
        if (!packed[i]) failed = 1;
    }
    if (!failed) {
        memset(job.scratch, 0, scratch);
        run_items(convolve_chunk_back, &job, chunks, s->threads);
        int64_t at = 0;
        for (int i = 0, ins = 1; i < s->layers; ins = s->channels[i++]) {
            int64_t weights = (int64_t)s->channels[i] * ins * s->kernels[i];
            for (int64_t j = 0; j < weights + s->channels[i]; j++, at++) {
                float sum = 0;
                for (int n = 0; n < chunks; n++) sum += job.partial[n * job.parameters + at];
                if (j < weights) d_weight[i][j] = sum;
                else d_bias[i][j - weights] = sum;
            }
        }
    }
    free(job.partial), free(job.scratch);
    for (int i = 0; i < s->layers; i++) free(packed[i]);
    return failed;
}
