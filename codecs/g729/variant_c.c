/* SPDX-License-Identifier: Apache-2.0
 *
 * The plain variant: every loop as the Recommendation writes it, with saturation at each step.
 *
 * It runs everywhere and is what the vector variants are compared with.
 */
#define G729_NAME c
#include "codec.h"
