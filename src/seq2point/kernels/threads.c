/* Threads that share items of work, or that do one work in step. */

#define MAX_THREADS 256
#define SPINS 2000 /* looks at a value before the thread lets others run */

/* A function of one item; `thread` tells whose memory it may use. */
typedef void (*Work)(void *job, int item, int thread);

/* Where threads wait for each other. `members` is set before `open`. */
typedef struct {
    unsigned open, round;
    int members, arrived;
} Barrier;

typedef struct {
    Work work;
    void *job;
    int items, next; /* next: the first item that no thread has begun */
    Barrier *barrier;
} Queue;

typedef struct {
    Queue *queue;
    int thread;
} Worker;

/* Return the next item's number, and count it as begun. */
INLINE int take_item(int *next) { return __atomic_fetch_add(next, 1, __ATOMIC_RELAXED); }

/* Do items of the queue until there are none left. */
static void *run_worker(void *argument) {
    Worker *worker = argument;
    for (;;) {
        int item = take_item(&worker->queue->next);
        if (item >= worker->queue->items) return NULL;
        worker->queue->work(worker->queue->job, item, worker->thread);
    }
}

/* Do all items on up to `threads` threads, this one among them. Fewer serve where the system gives
 * no more. */
static void run_items(Work work, void *job, int items, int threads) {
    Queue queue = {work, job, items, 0, NULL};
    Worker workers[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    int started = 0;
    if (threads > items) threads = items;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    for (int i = 0; i < threads; i++) workers[i] = (Worker){&queue, i};
    for (int i = 1; i < threads; i++) {
        if (pthread_create(&ids[started], NULL, run_worker, &workers[i])) break;
        started++;
    }
    run_worker(&workers[0]);
    for (int i = 0; i < started; i++) pthread_join(ids[i], NULL);
}

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() __asm__ volatile("" ::: "memory")
#endif

/* Wait while *value is `same`.
 *
 * The thread does not sleep: a sleeping core is slow to wake, on a virtual machine as slow as the
 * work between two barriers. */
static void spin_while(const unsigned *value, unsigned same) {
    for (int i = 0; __atomic_load_n(value, __ATOMIC_ACQUIRE) == same; i++)
        if (i < SPINS) PAUSE();
        else sched_yield();
}

/* Wait until all members of the barrier have arrived. */
static void wait_at(Barrier *barrier) {
    unsigned round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == barrier->members) {
        __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
    } else
        spin_while(&barrier->round, round);
}

/* Do the work once, as a member of the barrier, when it is open. */
static void *run_member(void *argument) {
    Worker *worker = argument;
    spin_while(&worker->queue->barrier->open, 0); /* members are counted before */
    worker->queue->work(worker->queue->job, worker->thread, worker->thread);
    return NULL;
}

/* Do the work on up to `threads` threads at once, which may wait for each other at the barrier. */
static void run_in_step(Work work, void *job, Barrier *barrier, int threads) {
    Queue queue = {work, job, threads, 0, barrier};
    Worker workers[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    *barrier = (Barrier){.members = 1};
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    for (int i = 1; i < threads; i++) {
        workers[i] = (Worker){&queue, i};
        if (pthread_create(&ids[barrier->members - 1], NULL, run_member, &workers[i])) break;
        barrier->members++;
    }
    __atomic_store_n(&barrier->open, 1, __ATOMIC_RELEASE);
    work(job, 0, 0);
    for (int i = 0; i < barrier->members - 1; i++) pthread_join(ids[i], NULL);
}
