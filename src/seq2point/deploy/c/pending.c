/* The first Linear, all sums at once: a column is added to the sums of every window that holds it.
 * It is not stored. The sums at the head are those of the window that this column completes. The
 * sums before the head are those of the window that it begins. */
static int first_linear(s2p_state *state, int32_t *column)
{
    const layer *l = &layers[FEATURES];
    const int8_t *w = weights + l->weights;
    int32_t *sums = state->pending + (size_t)state->head[FEATURES] * l->outputs, *window = sums;
    int16_t now[WIDEST];
    size_t k, o;
    for (o = 0; o < l->inputs; o++)
        now[o] = (int16_t)column[o];
    for (k = 0; k < l->columns; k++) {
        window = window == state->pending ? window + (size_t)(l->columns - 1) * l->outputs : window - l->outputs;
        for (o = 0; o < l->outputs; o++, w += l->inputs)
            window[o] += dot(w, now, l->inputs);
    }
    memcpy(column, sums, l->outputs * sizeof *sums);
    memset(sums, 0, l->outputs * sizeof *sums);
    if (!advance(state, FEATURES))
        return 0;
    finish(l, column);
    return 1;
}
