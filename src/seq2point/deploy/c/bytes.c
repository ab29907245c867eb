/* The first Linear: does what convolve does, with its columns in bytes. */
static int32_t dot_bytes(const int8_t *w, const uint8_t *x, size_t count)
{
    int32_t sum = 0;
    for (; count >= 4; count -= 4, w += 4, x += 4)
        sum += (int32_t)w[0] * x[0] + (int32_t)w[1] * x[1] + (int32_t)w[2] * x[2] + (int32_t)w[3] * x[3];
    for (; count > 0; count--)
        sum += (int32_t)*w++ * *x++;
    return sum;
}

static int first_linear(s2p_state *state, int32_t *column)
{
    const layer *l = &layers[FEATURES];
    const int8_t *w = weights + l->weights;
    uint8_t *ring = state->features;
    size_t size = (size_t)l->columns * l->inputs, at = (size_t)state->head[FEATURES] * l->inputs, k;
    for (k = 0; k < l->inputs; k++)
        ring[at + k] = (uint8_t)column[k];
    if (!advance(state, FEATURES))
        return 0;
    at = (size_t)state->head[FEATURES] * l->inputs;
    for (k = 0; k < l->outputs; k++, w += size)
        column[k] = dot_bytes(w, ring + at, size - at) + dot_bytes(w + (size - at), ring, at);
    finish(l, column);
    return 1;
}
