/* SPDX-License-Identifier: Apache-2.0
 *
 * The choice of a variant at run time, by what the processor can do.
 *
 * All variants give the same bits; this decides only how fast they come.
 */
#include <stddef.h>
#include <string.h>

#include "g729.h"

#define G729_HIDDEN extern __attribute__((visibility("hidden"))) const

G729_HIDDEN g729_variant g729_variant_c;
#if defined(__x86_64__)
G729_HIDDEN g729_variant g729_variant_sse41;
G729_HIDDEN g729_variant g729_variant_avx2;
#endif

const g729_variant *g729_variant_at(int place)
{
    switch (place) {
    case 0:
        return &g729_variant_c;
#if defined(__x86_64__)
    case 1:
        return __builtin_cpu_supports("sse4.1") ? &g729_variant_sse41 : NULL;
    case 2:
        return __builtin_cpu_supports("avx2") ? &g729_variant_avx2 : NULL;
#endif
    }
    return NULL;
}

const g729_variant *g729_variant_by_name(const char *name)
{
    for (int place = 2; place >= 0; place--) {
        const g729_variant *variant = g729_variant_at(place);
        if (variant && (!name || strcmp(variant->name, name) == 0))
            return variant;
    }
    return NULL;
}
