/* Sliding evaluation in C: every window of a series at once, by overlap-save FFT.
 *
 * network/sliding/__init__.py has the mathematics. The steps are fused so that no array is
 * transposed in memory. This file is the one that is compiled: it includes the others, in the order
 * in which they need each other, so that the compiler can inline across them.
 *
 * Vectors hold LANES hidden units (or channels, or blocks) at the same frequency or time, so that a
 * transform of LANES series is plain vector arithmetic.
 *
 * Shapes:
 *
 *     block      `length` feature samples, of which `hop` windows come
 *     pair       two blocks, or two channels: two real series that share one complex transform
 *     group      OUTS blocks; their features' spectra lie as [group][f][channel][block][re, im],
 *                in the order in which they are read
 *     unit       LANES hidden units; their weights' spectra lie as [f][channel] of complex vectors
 *     f          a frequency of a real series, 0 .. length / 2
 */

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vectors.c"      /* vectors of floats and of complex numbers */
#include "fft.c"          /* transforms of LANES series at once */
#include "memory.c"       /* aligned memory */
#include "threads.c"      /* threads that share items of work */
#include "job.c"          /* sizes and memory of a pass */
#include "spectra.c"      /* spectra of features and weights, and their products */
#include "forward.c"      /* s2p_forward: features to predictions */
#include "backward.c"     /* s2p_backward: gradients of all that s2p_forward takes */
#include "convolutions.c" /* s2p_features: a series to features */
#include "chunk_convolutions.c" /* s2p_chunk_forward, s2p_chunk_backward: those of a training */
