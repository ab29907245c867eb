/* What this processor has, and its operating system saves. */

/* Return bits of c_compiler.py's variants: 1 for all that AVX2 has there, 2 for AVX512. */
int s2p_processor(void) {
    int bits = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
        bits |= 1;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl"))
            bits |= 2;
    }
#endif
    return bits;
}
