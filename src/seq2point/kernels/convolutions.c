/* The convolutions with their ReLUs, over a series. */

#define MAX_CONVOLUTIONS 16 /* MOST_CONVOLUTIONS in library.py */
#define STRETCH 512         /* samples that pass all convolutions at once and stay in the cache */
#define VECTORS 2           /* vectors of samples kept in registers */

/* What the caller says of the convolutions: the same fields as in library.py. */
typedef struct {
    int32_t layers, threads;
    int32_t channels[MAX_CONVOLUTIONS], kernels[MAX_CONVOLUTIONS];
} Convolutions;

typedef struct {
    const Convolutions *s;
    const float *series;        /* [samples] */
    int64_t results;            /* that each channel has */
    float *const *packed;       /* of each layer: [outs / OUTS][in][kernel][OUTS] */
    const float *const *bias;   /* of each layer: [outs] */
    float *out;                 /* [channel][results], rows out_stride apart */
    int64_t out_stride;
    float *scratch;             /* [thread][2][widest][scratch_stride] */
    int64_t scratch_stride;
    int widest;                 /* the most channels that a layer has */
} ConvolutionJob;

/* Do one convolution, and ReLU where it `rectifies`, from x[ins][..] to y[outs][count], rows xs and
 * ys apart. Lanes are samples. */
static void convolve(const float *x, int64_t xs, int ins, int kernel, const float *packed,
                     const float *bias, int outs, int rectifies, float *y, int64_t ys, int count) {
    for (int t = 0; t < count; t += VECTORS * LANES)
        for (int o = 0; o < outs; o += OUTS) {
            const float *w = packed + (size_t)o * ins * kernel;
            V sum[OUTS][VECTORS];
            for (int m = 0; m < OUTS; m++)
                for (int v = 0; v < VECTORS; v++)
                    sum[m][v] = (V){0} + (o + m < outs ? bias[o + m] : 0.0f);
            for (int i = 0; i < ins; i++)
                for (int k = 0; k < kernel; k++, w += OUTS) {
                    V at[VECTORS];
                    for (int v = 0; v < VECTORS; v++) {
                        at[v] = *(const U *)(x + i * xs + t + k + v * LANES);
                        KEEP(at[v]);
                    }
                    for (int m = 0; m < OUTS; m++)
                        for (int v = 0; v < VECTORS; v++) sum[m][v] += at[v] * w[m];
                }
            for (int m = 0; m < OUTS && o + m < outs; m++)
                for (int v = 0; v < VECTORS; v++)
                    *(U *)(y + (o + m) * ys + t + v * LANES) =
                        rectifies ? relu(sum[m][v]) : sum[m][v];
        }
}

/* Do all convolutions over one stretch of the series. */
static void convolve_stretch(void *argument, int item, int thread) {
    ConvolutionJob *job = argument;
    const Convolutions *s = job->s;
    int64_t first = (int64_t)item * STRETCH, stride = job->scratch_stride;
    int count = job->results - first < STRETCH ? (int)(job->results - first) : STRETCH;
    int length = count, ins = 1;
    for (int i = 0; i < s->layers; i++) length += s->kernels[i] - 1;
    float *from = job->scratch + (size_t)thread * 2 * job->widest * stride;
    float *to = from + job->widest * stride;
    memcpy(from, job->series + first, sizeof(float) * length);
    for (int i = 0; i < s->layers; i++) {
        length -= s->kernels[i] - 1;
        convolve(from, stride, ins, s->kernels[i], job->packed[i], job->bias[i], s->channels[i], 1,
                 to, stride, length);
        ins = s->channels[i];
        float *other = from;
        from = to;
        to = other;
    }
    for (int c = 0; c < ins; c++)
        memcpy(job->out + c * job->out_stride + first, from + c * stride, sizeof(float) * count);
}

/* Return weight[outs][in * kernel] as [outs / OUTS][in * kernel][OUTS], missing outs as zeros, or
 * NULL where memory ran out. */
static float *pack_weights(const float *weight, int outs, int size) {
    int padded = (outs + OUTS - 1) / OUTS * OUTS;
    float *packed = allocate(sizeof(float) * padded * size);
    for (int o = 0; o < padded && packed; o++)
        for (int j = 0; j < size; j++) {
            float *to = packed + ((size_t)(o / OUTS) * size + j) * OUTS + o % OUTS;
            *to = o < outs ? weight[(size_t)o * size + j] : 0.0f;
        }
    return packed;
}

/* Compute out[channel][results] of series[samples]: all convolutions, without padding.
 *
 * Rows of `out` are out_stride floats apart. weight[layer] is [outs][in][kernel], bias[layer] is
 * [outs]. Returns 0, or 1 where memory ran out. */
int s2p_features(const Convolutions *s, const float *series, int64_t samples,
                 const float *const *weight, const float *const *bias, float *out,
                 int64_t out_stride) {
    float *packed[MAX_CONVOLUTIONS] = {NULL};
    ConvolutionJob job = {.s = s, .series = series, .results = samples, .packed = packed,
                          .bias = bias, .out = out, .out_stride = out_stride};
    int failed = 0, ins = 1, halo = 0;
    for (int i = 0; i < s->layers; i++) {
        packed[i] = pack_weights(weight[i], s->channels[i], ins * s->kernels[i]);
        if (!packed[i]) failed = 1;
        ins = s->channels[i];
        if (ins > job.widest) job.widest = ins;
        halo += s->kernels[i] - 1;
    }
    job.results -= halo;
    job.scratch_stride = (STRETCH + halo + 2 * VECTORS * LANES + 15) / 16 * 16;
    size_t bytes = sizeof(float) * 2 * s->threads * job.widest * job.scratch_stride;
    job.scratch = allocate(bytes);
    if (!failed && job.scratch) {
        memset(job.scratch, 0, bytes);
        int stretches = (int)((job.results + STRETCH - 1) / STRETCH);
        run_items(convolve_stretch, &job, stretches, s->threads);
    } else
        failed = 1;
    free(job.scratch);
    for (int i = 0; i < s->layers; i++) free(packed[i]);
    return failed;
}
