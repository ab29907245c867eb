/* The sizes and the memory of one pass through hidden layer and output, forward or backward. */

/* What the caller says of a pass: the same fields as Shape in library.py.
 *
 * A feature stands at channel * channel_stride + block * block_stride + sample, in floats. */
typedef struct {
    int32_t channels, taps, hidden, outputs;
    int32_t blocks;
    int32_t length; /* points of the transforms */
    int32_t hop;    /* windows that a block gives, at most length - taps + 1 */
    int32_t threads;
    int64_t channel_stride, block_stride;
    int64_t samples; /* that a channel has */
    uint32_t seed;   /* of the dropout */
    float dropout;   /* fraction of hidden values that is zeroed, the rest scaled up; 0 for none */
} Shape;

/* Neighbouring channels. */
typedef struct {
    int first, count;
} Part;

typedef struct {
    const Shape *s;
    const Plan *plan;

    /* The caller's arrays. */
    const float *features; /* laid out as Shape says */
    const float *weight;   /* [hidden][channels][taps] */
    const float *bias;     /* [hidden] */
    const float *output;   /* [outputs][hidden] */
    const float *gradient; /* [outputs][blocks][hop] */
    float *spectra;        /* [group][f][channel][OUTS][re, im] */
    float *kept;           /* hidden values of type C, [unit][pair][rows][hop_columns] */
    float *d_features, *d_weight;

    /* Sizes. Window column * rows + row of a block lies in a table where that frequency does. */
    int frequencies, hop, groups, units;
    int parts;          /* of the work: forward of the groups, backward of the channels */
    int hop_columns;    /* columns that hold windows */
    int padded_columns; /* hop_columns, in whole vectors */

    /* Memory of each thread. */
    C *tables;  /* [thread][OUTS / 2][table] */
    C *scratch; /* [thread][scratch_size + LANES] */

    C *weights;  /* spectra of a unit's weights: [thread][f][channel of a part] */
    float *sums; /* forward: [thread or unit][outputs][groups * OUTS][rows][padded_columns];
                  * backward: d_bias and d_output, [pair][1 + outputs][unit][LANES] */

    /* Backward alone. */
    int first_unit, end_unit; /* the units that are done now */
    C *d_hidden;  /* [unit that is done now][f][blocks, made even] */
    C *d_weights; /* [thread][f][channel of a part] */
    C *d_spectra; /* [part][vector of blocks][f][channel of the part] */
} Job;

/* Return the spectra of a group at f: [channel][OUTS][re, im]. */
INLINE float *spectrum_at(const Job *job, int group, int f) {
    return job->spectra + ((size_t)group * job->frequencies + f) * job->s->channels * OUTS * 2;
}

/* Return how many C of scratch a transform of rows or columns needs. */
INLINE int scratch_size(const Plan *plan) {
    return 2 * (plan->rows > plan->columns ? plan->rows : plan->columns);
}

/* Return a thread's table, `which` of OUTS / 2, and its scratch. */
INLINE C *table_of(const Job *job, int thread, int which) {
    return job->tables + ((size_t)thread * (OUTS / 2) + which) * table_size(job->plan);
}
INLINE C *scratch_of(const Job *job, int thread) {
    return job->scratch + (size_t)thread * (scratch_size(job->plan) + LANES);
}

/* Return a thread's spectra of weights, and of their gradients: [f][channel of a part]. */
INLINE C *weights_of(const Job *job, int thread) {
    return job->weights + (size_t)thread * job->frequencies * job->s->channels;
}
INLINE C *d_weights_of(const Job *job, int thread) {
    return job->d_weights + (size_t)thread * job->frequencies * job->s->channels;
}

/* Return the spectra of the hidden gradients of a unit that is done now: [f][blocks]. */
INLINE C *d_hidden_of(const Job *job, int unit) {
    size_t blocks = job->s->blocks + job->s->blocks % 2;
    return job->d_hidden + (unit - job->first_unit) * blocks * job->frequencies;
}

/* Return the gradients of the spectra of a vector of blocks at f: [channel of a part]. */
INLINE C *d_spectra_at(const Job *job, Part part, int vector, int f) {
    size_t vectors = (job->s->blocks + LANES - 1) / LANES;
    size_t row = vectors * part.first + (size_t)vector * part.count;
    return job->d_spectra + row * job->frequencies + (size_t)f * part.count;
}

/* Set the sizes that follow from the shape and the plan. */
static void set_sizes(Job *job) {
    const Shape *s = job->s;
    job->frequencies = job->plan->length / 2 + 1;
    job->hop = s->hop;
    job->groups = (s->blocks + OUTS - 1) / OUTS;
    job->units = (s->hidden + LANES - 1) / LANES;
    job->hop_columns = (job->hop + job->plan->rows - 1) / job->plan->rows;
    job->padded_columns = (job->hop_columns + LANES - 1) / LANES * LANES;
}

/* Allocate the tables and the scratch of each thread. Returns 0 where memory ran out. */
static int allocate_tables(Job *job) {
    size_t threads = job->s->threads;
    job->tables = allocate(sizeof(C) * threads * (OUTS / 2) * table_size(job->plan));
    job->scratch = allocate(sizeof(C) * threads * (scratch_size(job->plan) + LANES));
    return job->tables && job->scratch;
}

/* Return how many floats `spectra` needs. */
int64_t s2p_spectra_floats(const Shape *s) {
    return (int64_t)((s->blocks + OUTS - 1) / OUTS) * (s->length / 2 + 1) * OUTS * s->channels * 2;
}

/* Return how many floats `kept` needs. */
int64_t s2p_kept_floats(const Shape *s) {
    Plan *plan = new_plan(s->length);
    int64_t units = (s->hidden + LANES - 1) / LANES, pairs = (s->blocks + 1) / 2;
    int64_t size = units * pairs * plan->rows * ((s->hop + plan->rows - 1) / plan->rows);
    free_plan(plan);
    return size * 2 * LANES;
}
