/* SPDX-License-Identifier: Apache-2.0
 *
 * Even ports of a range, each with the odd one above it for RTCP (RFC 3550 section 11).
 *
 * A port given back rests before it is given out again, so that late packets of the former call reach nobody. The order is
 * shuffled at the start: who wants to send into other people's calls shall not be able to count. One pool serves all shards.
 */
#ifndef SWITCHROOM_PORTS_H
#define SWITCHROOM_PORTS_H

#include <pthread.h>
#include <stdint.h>

typedef struct sr_free_port {
    int64_t ready_ns;
    uint16_t port;
} sr_free_port;

typedef struct sr_ports {
    pthread_mutex_t lock;        /* shards share the range: a leg that moved gives its port back where it is then */
    sr_free_port *ring;          /* a queue: the one that rests longest in front */
    uint32_t capacity, head, count;
    int64_t rest_ns;
} sr_ports;

/* Both ends of the range are included. Returns 0, or -1 when memory is short or the range holds no pair. */
int sr_ports_init(sr_ports *ports, uint16_t low, uint16_t high, int64_t rest_ns, uint64_t seed);
void sr_ports_free(sr_ports *ports);

/* The even port of a free pair; 0 when there is none. */
uint16_t sr_ports_take(sr_ports *ports, int64_t now_ns);
uint32_t sr_ports_count(sr_ports *ports);
void sr_ports_give(sr_ports *ports, uint16_t port, int64_t now_ns);

#endif
