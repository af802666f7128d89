/* SPDX-License-Identifier: Apache-2.0
 *
 * Legs between two shards of one process: the one that gives it away leaves it here under a number, the one that gets it
 * takes it from here. The only place where shards meet; commands alone come here, packets never.
 *
 *     SR_DEPART -> departed leg, its sockets open and unread -> number -> SR_ARRIVE
 *
 * Packets that come meanwhile wait in the sockets. SSRC, sequence numbers, jitter buffer and codec states go along.
 */
#ifndef SWITCHROOM_TRANSIT_H
#define SWITCHROOM_TRANSIT_H

#include <stddef.h>
#include <stdint.h>

#define SR_MAX_TRANSITS 256      /* at the same time, in the process */

/* A parcel of `bytes`, zeroed, not to be found yet. NULL when there are too many, or memory is short. */
void *sr_transit_pack(size_t bytes, uint64_t *number);
/* Lets others find it who ask for the same `kind`. */
void sr_transit_leave(uint64_t number, uint64_t kind);
/* Takes it out; NULL when there is none of this number, kind and size. To be given back with sr_transit_free. */
void *sr_transit_take(uint64_t number, uint64_t kind, size_t bytes);
void sr_transit_free(void *parcel, size_t bytes);

#endif
