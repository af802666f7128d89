/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "net.h"

#include <errno.h>
#include <unistd.h>

/* RFC 4291 section 2.5.5.2: before an IPv4 address in an IPv6 one. */
static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};

static int open_socket(void *context, const sr_endpoint *local, int traffic_class)
{
    (void)context;
    int family = local->address.any.sa_family;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (family == AF_INET6) {
        int no = 0; /* bound to ::, it takes IPv4 too, as ::ffff:a.b.c.d */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof traffic_class);
    }
    setsockopt(fd, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class);
    if (bind(fd, &local->address.any, local->length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static void close_socket(void *context, int fd)
{
    (void)context;
    close(fd);
}

static int receive_socket(void *context, int fd, uint8_t *data, int capacity, sr_endpoint *from)
{
    (void)context;
    from->length = sizeof from->address;
    return (int)recvfrom(fd, data, (size_t)capacity, 0, &from->address.any, &from->length);
}

static bool settle_socket(void *context, int fd, const sr_endpoint *peer)
{
    (void)context;
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return connect(fd, peer != NULL ? &peer->address.any : &nobody, peer != NULL ? peer->length : sizeof nobody) == 0;
}

static int send_socket(void *context, int fd, const uint8_t *data, int bytes, const sr_endpoint *to)
{
    (void)context;
    const struct sockaddr *address = to != NULL ? &to->address.any : NULL;
    socklen_t length = to != NULL ? to->length : 0;
    ssize_t sent = sendto(fd, data, (size_t)bytes, MSG_NOSIGNAL, address, length);
    if (sent < 0 && errno == ECONNREFUSED) /* tells of an earlier packet, and this one was not sent */
        sent = sendto(fd, data, (size_t)bytes, MSG_NOSIGNAL, address, length);
    return sent == bytes ? 0 : -1;
}

const sr_net sr_sockets = {NULL, open_socket, close_socket, receive_socket, settle_socket, send_socket};

bool sr_endpoint_from_wire(sr_endpoint *endpoint, const sr_wire_address *wire)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (wire->family == AF_INET) {
        endpoint->address.v4.sin_family = AF_INET;
        memcpy(&endpoint->address.v4.sin_addr, wire->ip, 4);
        endpoint->length = sizeof endpoint->address.v4;
    } else if (wire->family == AF_INET6) {
        endpoint->address.v6.sin6_family = AF_INET6;
        memcpy(&endpoint->address.v6.sin6_addr, wire->ip, 16);
        endpoint->length = sizeof endpoint->address.v6;
    } else {
        return false;
    }
    sr_endpoint_set_port(endpoint, wire->port);
    return true;
}

bool sr_endpoint_fit(sr_endpoint *endpoint, int family)
{
    if (family == AF_INET6 && endpoint->address.any.sa_family == AF_INET) {
        struct sockaddr_in v4 = endpoint->address.v4;
        memset(endpoint, 0, sizeof *endpoint);
        endpoint->address.v6.sin6_family = AF_INET6;
        endpoint->address.v6.sin6_port = v4.sin_port;
        memcpy(endpoint->address.v6.sin6_addr.s6_addr, MAPPED, sizeof MAPPED);
        memcpy(endpoint->address.v6.sin6_addr.s6_addr + sizeof MAPPED, &v4.sin_addr, 4);
        endpoint->length = sizeof endpoint->address.v6;
    }
    return endpoint->address.any.sa_family == family;
}

void sr_endpoint_to_wire(const sr_endpoint *endpoint, sr_wire_address *wire)
{
    memset(wire, 0, sizeof *wire);
    if (endpoint->length == 0)
        return;
    wire->family = endpoint->address.any.sa_family;
    wire->port = sr_endpoint_port(endpoint);
    const uint8_t *v6 = endpoint->address.v6.sin6_addr.s6_addr;
    if (wire->family == AF_INET) {
        memcpy(wire->ip, &endpoint->address.v4.sin_addr, 4);
    } else if (memcmp(v6, MAPPED, sizeof MAPPED) == 0) {
        wire->family = AF_INET;
        memcpy(wire->ip, v6 + sizeof MAPPED, 4);
    } else {
        memcpy(wire->ip, v6, 16);
    }
}
