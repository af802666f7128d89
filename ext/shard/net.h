/* SPDX-License-Identifier: Apache-2.0
 *
 * The network as the plane sees it: a few functions, so that tests put a network of their own in the place of sockets.
 */
#ifndef SWITCHROOM_NET_H
#define SWITCHROOM_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "wire.h"

typedef struct sr_endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t length;            /* 0: no address */
} sr_endpoint;

typedef struct sr_net {
    void *context;
    /* A bound datagram socket that never blocks; returns its descriptor or -errno. */
    int (*open)(void *context, const sr_endpoint *local, int traffic_class);
    void (*close)(void *context, int fd);
    /* Returns the bytes of one datagram, -1 when there is none. */
    int (*receive)(void *context, int fd, uint8_t *data, int capacity, sr_endpoint *from);
    /* Connects a socket to its one peer, or frees it again (NULL). Returns whether that was done. */
    bool (*settle)(void *context, int fd, const sr_endpoint *peer);
    /* Returns 0, or -1 when the datagram could not be sent. `to` is NULL for the peer of a settled socket. */
    int (*send)(void *context, int fd, const uint8_t *data, int bytes, const sr_endpoint *to);
} sr_net;

extern const sr_net sr_sockets;

/* Returns false when the wire's address is none or of an unknown family. */
bool sr_endpoint_from_wire(sr_endpoint *endpoint, const sr_wire_address *wire);
void sr_endpoint_to_wire(const sr_endpoint *endpoint, sr_wire_address *wire);
/* For a socket of this family: IPv4 is mapped into IPv6. Returns false when it cannot be done. */
bool sr_endpoint_fit(sr_endpoint *endpoint, int family);

static inline uint16_t sr_endpoint_port(const sr_endpoint *endpoint)
{
    return ntohs(endpoint->address.v4.sin_port); /* the same place in sockaddr_in6 */
}

static inline void sr_endpoint_set_port(sr_endpoint *endpoint, uint16_t port)
{
    endpoint->address.v4.sin_port = htons(port);
}

static inline bool sr_same_host(const sr_endpoint *a, const sr_endpoint *b)
{
    if (a->length != b->length || a->length == 0)
        return false;
    if (a->address.any.sa_family == AF_INET)
        return a->address.v4.sin_addr.s_addr == b->address.v4.sin_addr.s_addr;
    return memcmp(&a->address.v6.sin6_addr, &b->address.v6.sin6_addr, 16) == 0;
}

static inline bool sr_same_endpoint(const sr_endpoint *a, const sr_endpoint *b)
{
    return a->address.v4.sin_port == b->address.v4.sin_port && sr_same_host(a, b);
}

#endif
