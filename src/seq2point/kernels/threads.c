/* Threads that share items of work.
 *
 * A caller does the items itself, and idle threads of a pool help. It waits for items that were
 * begun, never for a thread that has begun none: beside other work the system lets a thread run
 * late, by many times what the work takes. So one piece of work has one queue, and one end at which
 * to wait. */

#define SPINS 2000 /* looks, some 50 microseconds, before a thread sleeps: waking takes as long */

/* A function of one item; `thread` tells whose memory it may use. */
typedef void (*Work)(void *job, int item, int thread);

typedef struct Queue {
    Work work;
    void *job;
    int items, next; /* next: the first item that no thread has begun */
    int limit;       /* threads at most, the caller among them */
    int joined;      /* threads that have come */
    int active;      /* helpers that have not left yet */
    struct Queue *older;
} Queue;

/* The helpers of this process. `lock` guards all but `opened`, which is only ever added to. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, left; /* a queue was opened; the last helper has left one */
    Queue *open;
    unsigned opened;
    int threads, sleeping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .left = PTHREAD_COND_INITIALIZER};

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() __asm__ volatile("" ::: "memory")
#endif

/* Do items of the queue until there are none left. */
static void take_items(Queue *queue, int thread) {
    for (;;) {
        int item = __atomic_fetch_add(&queue->next, 1, __ATOMIC_RELAXED);
        if (item >= queue->items) return;
        queue->work(queue->job, item, thread);
    }
}

/* Let no further thread join the queue. */
static void close_queue(Queue *queue) {
    Queue **at = &pool.open;
    while (*at && *at != queue) at = &(*at)->older;
    if (*at) *at = queue->older;
}

/* Wait until a queue is opened, first awake and then asleep. The lock is held before and after. */
static void await_queue(void) {
    unsigned seen = pool.opened;
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && __atomic_load_n(&pool.opened, __ATOMIC_RELAXED) == seen; i++)
        PAUSE();
    pthread_mutex_lock(&pool.lock);
    if (pool.opened != seen) return;
    pool.sleeping++;
    pthread_cond_wait(&pool.wake, &pool.lock);
    pool.sleeping--;
}

/* Help with one queue after another, for ever. */
static void *help(void *unused) {
    (void)unused;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        Queue *queue = pool.open;
        while (queue && queue->joined == queue->limit) queue = queue->older;
        if (!queue) {
            await_queue();
            continue;
        }
        int thread = queue->joined++;
        queue->active++;
        pthread_mutex_unlock(&pool.lock);
        take_items(queue, thread);
        pthread_mutex_lock(&pool.lock);
        close_queue(queue);
        if (!__atomic_sub_fetch(&queue->active, 1, __ATOMIC_RELEASE))
            pthread_cond_broadcast(&pool.left); /* the caller may be gone, and its queue with it */
    }
    return NULL;
}

/* Begin anew in a forked process: it has none of the threads. */
static void forget_helpers(void) {
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    pthread_cond_init(&pool.left, NULL);
    pool.open = NULL;
    pool.threads = pool.sleeping = 0;
}

/* Start helpers until there are `wanted`, or as many as the system gives. They take no signals. */
static void start_helpers(int wanted) {
    static int registered;
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pool.threads >= wanted) return;
    if (!registered) registered = !pthread_atfork(NULL, NULL, forget_helpers);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (pthread_t id; pool.threads < wanted; pool.threads++)
        if (pthread_create(&id, &attributes, help, NULL)) break;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Let helpers join the queue. */
static void open_queue(Queue *queue) {
    int wanted = queue->limit - 1;
    pthread_mutex_lock(&pool.lock);
    start_helpers(wanted);
    queue->older = pool.open;
    pool.open = queue;
    __atomic_add_fetch(&pool.opened, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < wanted && i < pool.sleeping; i++) pthread_cond_signal(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
}

/* Close the queue, and wait for the helpers that are at their last items. */
static void leave_queue(Queue *queue) {
    pthread_mutex_lock(&pool.lock);
    close_queue(queue);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS; i++) {
        if (!__atomic_load_n(&queue->active, __ATOMIC_ACQUIRE)) return;
        PAUSE();
    }
    pthread_mutex_lock(&pool.lock);
    while (queue->active) pthread_cond_wait(&pool.left, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

/* Do all items on up to `threads` threads, this one among them. Fewer serve where the system gives
 * no more, or where others are late. */
static void run_items(Work work, void *job, int items, int threads) {
    Queue queue = {.work = work, .job = job, .items = items, .joined = 1};
    queue.limit = threads < items ? threads : items;
    if (queue.limit > 1) open_queue(&queue);
    take_items(&queue, 0);
    if (queue.limit > 1) leave_queue(&queue);
}
