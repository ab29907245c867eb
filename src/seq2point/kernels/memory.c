/* Aligned memory. */

#define HUGE_PAGE ((size_t)1 << 21)

/* Return `bytes` of memory aligned to vectors, or NULL where there is too little.
 *
 * Rows of spectra lie a page or more apart, so that large pieces go on huge pages where the system
 * has them. */
static void *allocate(size_t bytes) {
    void *at = NULL;
    size_t piece = bytes >= HUGE_PAGE / 16 ? HUGE_PAGE : 64;
    bytes = (bytes + piece - 1) / piece * piece;
    if (posix_memalign(&at, piece, bytes ? bytes : piece)) return NULL;
#ifdef MADV_HUGEPAGE
    if (piece == HUGE_PAGE) madvise(at, bytes, MADV_HUGEPAGE);
#endif
    return at;
}
