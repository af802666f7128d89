/* SPDX-License-Identifier: Apache-2.0 */
#include "ports.h"

#include <assert.h>
#include <stdlib.h>

#include "random.h"

int sr_ports_init(sr_ports *ports, uint16_t low, uint16_t high, int64_t rest_ns, uint64_t seed)
{
    uint32_t first = (low + 1u) & ~1u;
    if (first == 0)
        first = 2;
    if (first + 1u > high)
        return -1;
    uint32_t pairs = (high + 1u - first) / 2;
    pthread_mutex_init(&ports->lock, NULL);
    ports->ring = calloc(pairs, sizeof *ports->ring);
    if (ports->ring == NULL)
        return -1;
    for (uint32_t i = 0; i < pairs; i++)
        ports->ring[i] = (sr_free_port){INT64_MIN, (uint16_t)(first + 2 * i)};
    for (uint32_t i = pairs - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(sr_random(&seed) % (i + 1));
        sr_free_port other = ports->ring[i];
        ports->ring[i] = ports->ring[j];
        ports->ring[j] = other;
    }
    ports->capacity = ports->count = pairs;
    ports->head = 0;
    ports->rest_ns = rest_ns;
    return 0;
}

void sr_ports_free(sr_ports *ports)
{
    free(ports->ring);
    ports->ring = NULL;
    ports->count = 0;
}

uint16_t sr_ports_take(sr_ports *ports, int64_t now_ns)
{
    uint16_t port = 0;
    pthread_mutex_lock(&ports->lock);
    if (ports->count > 0 && ports->ring[ports->head].ready_ns <= now_ns) {
        port = ports->ring[ports->head].port;
        ports->head = (ports->head + 1) % ports->capacity;
        ports->count--;
    }
    pthread_mutex_unlock(&ports->lock);
    return port;
}

void sr_ports_give(sr_ports *ports, uint16_t port, int64_t now_ns)
{
    pthread_mutex_lock(&ports->lock);
    assert(ports->count < ports->capacity);
    uint32_t tail = (ports->head + ports->count) % ports->capacity;
    ports->ring[tail] = (sr_free_port){now_ns + ports->rest_ns, port};
    ports->count++;
    pthread_mutex_unlock(&ports->lock);
}

uint32_t sr_ports_count(sr_ports *ports)
{
    pthread_mutex_lock(&ports->lock);
    uint32_t count = ports->count;
    pthread_mutex_unlock(&ports->lock);
    return count;
}
