/* SPDX-License-Identifier: Apache-2.0
 *
 * A network in memory, for tests: a descriptor is the port number, datagrams go in one at a time, sent ones are kept.
 */
#ifndef SWITCHROOM_MEMORY_NET_H
#define SWITCHROOM_MEMORY_NET_H

#include "net.h"

#define SR_MEMORY_DATAGRAMS 4096
#define SR_MEMORY_BYTES 2048

typedef struct sr_memory_datagram {
    int fd, bytes;
    sr_endpoint to;
    uint8_t data[SR_MEMORY_BYTES];
} sr_memory_datagram;

typedef struct sr_memory_net {
    bool open[65536], refused[65536]; /* refused: some other program has the port */
    sr_endpoint peers[65536];    /* of settled sockets, which take packets of nobody else */
    bool failing;                /* nothing can be sent */
    int inbox_fd, inbox_bytes;   /* inbox_bytes < 0: empty */
    sr_endpoint inbox_from;
    uint8_t inbox[SR_MEMORY_BYTES];
    uint32_t sent_count, sent_lost;
    sr_memory_datagram sent[SR_MEMORY_DATAGRAMS];
} sr_memory_net;

sr_net sr_memory_network(sr_memory_net *memory);

#endif
