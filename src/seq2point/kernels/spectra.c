/* Spectra of the features and of the weights, and products of spectra. */

/* Transform the features of blocks 2 * item and 2 * item + 1: to `spectra`. Lanes are channels. */
static void transform_features(void *argument, int item, int thread) {
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
                    for (int j = 0; j < plan->columns && t < valid; j++, t++)
                        to[(i * (ptrdiff_t)plan->pitch + j) * 2 * LANES] = f[t];
            }
        }
        transform_table(plan, table, scratch_of(job, thread));
        for (int f = 0; f < job->frequencies; f++) {
            C a, b;
            split_pair(plan, table, f, 0.5f, &a, &b);
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

/* Transform the weights of a unit and of the channels c and c + 1 of a part, divided by `length`:
 * to the thread's weights[f][channel of the part]. Lanes are hidden units. */
static void transform_weights(Job *job, int unit, int c, Part part, int thread) {
    const Shape *s = job->s;
    const Plan *plan = job->plan;
    C *table = table_of(job, thread, 0), *weights = weights_of(job, thread);
    int channels = s->channels, lanes = s->hidden - unit * LANES;
    size_t stride = (size_t)channels * s->taps;
    if (lanes > LANES) lanes = LANES;
    if (lanes < LANES || c + 1 == channels) memset(table, 0, sizeof(C) * table_size(plan));
    else clear_samples_from(plan, table, s->taps);
    for (int half = 0; half < 2 && c + half < channels; half++)
        for (int first = 0; first < s->taps; first += plan->columns) {
            size_t from = ((size_t)unit * LANES * channels + c + half) * s->taps + first;
            const float *w = job->weight + from;
            V *row = (V *)(table + sample_index(plan, first)) + half;
            int left = s->taps - first, count = left < plan->columns ? left : plan->columns, k = 0;
            for (int lane = 0; lane < lanes; lane++) /* of the next pair */
                for (int ahead = 0; ahead < count; ahead += 16)
                    __builtin_prefetch(w + lane * stride + 2 * s->taps + ahead);
            for (; k + LANES <= count && lanes == LANES; k += LANES) {
                V a[LANES];
                for (int lane = 0; lane < LANES; lane++)
                    a[lane] = *(const U *)(w + lane * stride + k);
                transpose(a);
                for (int i = 0; i < LANES; i++) row[2 * (k + i)] = a[i];
            }
            for (; k < count; k++)
                for (int lane = 0; lane < lanes; lane++) row[2 * k][lane] = w[lane * stride + k];
        }
    transform_table(plan, table, scratch_of(job, thread));
    float scale = 0.5f / (float)plan->length;
    for (int f = 0; f < job->frequencies; f++) {
        C *to = weights + (size_t)f * part.count + c - part.first, a, b;
        split_pair(plan, table, f, scale, &a, &b);
        to[0] = a;
        if (c + 1 < channels) to[1] = b;
    }
}

/* Compute out[m] = sum over i < count of conj(v[i]) b[m][i], for m < outs <= OUTS, in registers.
 *
 * The complex number b[m][i] has its real part at b[m * outer + i * inner], and its imaginary part
 * `im` floats further. With `accumulate` the sums are added to what `out` holds. */
INLINE void multiply_block(const int outs, const int accumulate, const C *v, int count,
                           const float *b, ptrdiff_t im, ptrdiff_t outer, ptrdiff_t inner, C *out) {
    V re[OUTS], in[OUTS];
    for (int m = 0; m < outs; m++) {
        re[m] = accumulate ? out[m].re : (V){0};
        in[m] = accumulate ? out[m].im : (V){0};
    }
    for (int i = 0; i < count; i++, b += inner) {
        V vr = v[i].re, vi = v[i].im;
        KEEP(vr);
        KEEP(vi);
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

/* Compute what multiply_block does, for any number of sums. */
INLINE void multiply_spectra(int outs, const int accumulate, const C *v, int count, const float *b,
                             ptrdiff_t im, ptrdiff_t outer, ptrdiff_t inner, C *out) {
    for (; outs >= OUTS; outs -= OUTS, b += OUTS * outer, out += OUTS)
        multiply_block(OUTS, accumulate, v, count, b, im, outer, inner, out);
    if (outs >= OUTS / 2) {
        multiply_block(OUTS / 2, accumulate, v, count, b, im, outer, inner, out);
        outs -= OUTS / 2, b += OUTS / 2 * outer, out += OUTS / 2;
    }
    if (outs >= 2) {
        multiply_block(2, accumulate, v, count, b, im, outer, inner, out);
        outs -= 2, b += 2 * outer, out += 2;
    }
    if (outs) multiply_block(1, accumulate, v, count, b, im, outer, inner, out);
}
