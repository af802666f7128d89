/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_net.h"

#include <errno.h>

static int open_memory(void *context, const sr_endpoint *local, int traffic_class)
{
    (void)traffic_class;
    sr_memory_net *memory = context;
    int port = sr_endpoint_port(local);
    if (memory->open[port] || memory->refused[port])
        return -EADDRINUSE;
    memory->open[port] = true;
    return port;
}

static void close_memory(void *context, int fd)
{
    sr_memory_net *memory = context;
    memory->open[fd] = false;
    memory->peers[fd].length = 0;
}

static int receive_memory(void *context, int fd, uint8_t *data, int capacity, sr_endpoint *from)
{
    sr_memory_net *memory = context;
    if (memory->inbox_bytes < 0 || memory->inbox_fd != fd)
        return -1;
    int bytes = memory->inbox_bytes < capacity ? memory->inbox_bytes : capacity;
    memcpy(data, memory->inbox, (size_t)bytes);
    *from = memory->inbox_from;
    memory->inbox_bytes = -1;
    if (memory->peers[fd].length != 0 && !sr_same_endpoint(from, &memory->peers[fd]))
        return -1;
    return bytes;
}

static bool settle_memory(void *context, int fd, const sr_endpoint *peer)
{
    sr_memory_net *memory = context;
    memory->peers[fd] = peer != NULL ? *peer : (sr_endpoint){.length = 0};
    return true;
}

static int send_memory(void *context, int fd, const uint8_t *data, int bytes, const sr_endpoint *to)
{
    sr_memory_net *memory = context;
    if (memory->failing || !memory->open[fd] || bytes > SR_MEMORY_BYTES)
        return -1;
    if (memory->sent_count == SR_MEMORY_DATAGRAMS) {
        memory->sent_lost++;
        return 0;
    }
    sr_memory_datagram *datagram = &memory->sent[memory->sent_count++];
    datagram->fd = fd;
    datagram->bytes = bytes;
    datagram->to = to != NULL ? *to : memory->peers[fd];
    memcpy(datagram->data, data, (size_t)bytes);
    return 0;
}

sr_net sr_memory_network(sr_memory_net *memory)
{
    memory->inbox_bytes = -1;
    return (sr_net){memory, open_memory, close_memory, receive_memory, settle_memory, send_memory};
}
