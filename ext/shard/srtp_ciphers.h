/* SPDX-License-Identifier: Apache-2.0
 *
 * The ciphers under libsrtp, by Nettle, whose states are plain memory: no packet takes anything from the heap. (The
 * ciphers that Debian's libsrtp brings make and free a context of NSS for each packet, in twice to four times the time.)
 */
#ifndef SWITCHROOM_SRTP_CIPHERS_H
#define SWITCHROOM_SRTP_CIPHERS_H

#include <stdbool.h>

/* After srtp_init. libsrtp tries them by their vectors and by its own; returns false when it refuses one. */
bool sr_srtp_ciphers_install(void);

#endif
