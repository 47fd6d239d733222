// One build runs on every x86-64; the loader picks the widest version of a kernel that the machine has.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define LOSSATLAS_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LOSSATLAS_CLONES
#endif
