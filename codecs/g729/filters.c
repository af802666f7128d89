/* SPDX-License-Identifier: Apache-2.0
 *
 * The short-term filters: bandwidth expansion, residual and synthesis (A.3.3, A.3.6, 4.1.6).
 *
 * Coefficients are in Q12. The inner loops are kernels; what stands here is the arithmetic around them.
 */
#include "state.h"
#include "kernels.h"

/* A(z / gamma), gamma in Q15. */
static void expand_bandwidth(const int16_t a[COEFS], int16_t gamma, int16_t out[COEFS])
{
    int16_t factor = gamma;
    out[0] = a[0];
    for (int i = 1; i < ORDER; i++) {
        out[i] = round16(l_mult(a[i], factor));
        factor = round16(l_mult(factor, gamma));
    }
    out[ORDER] = round16(l_mult(a[ORDER], factor));
}

/* A.3.3: A(z / gamma) (1 - 0.7 z^-1), the filter of the low-passed weighted speech. */
static void tilt_weighting(const int16_t a[COEFS], int16_t out[COEFS])
{
    out[0] = 4096;
    for (int i = 1; i <= ORDER; i++)
        out[i] = sub16(a[i], mult16(a[i - 1], 22938));
}

/* Synthesis that remembers its last outputs in `mem`. */
static void synthesise(const int16_t a[COEFS], const int16_t *x, int16_t *y, int16_t mem[ORDER])
{
    synthesis_filter(a, x, y, SUBFRAME, mem);
    for (int i = 0; i < ORDER; i++)
        mem[i] = y[SUBFRAME - ORDER + i];
}
