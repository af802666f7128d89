/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "transit.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>

typedef struct transit {
    uint64_t number;             /* 0: free */
    void *parcel;
    size_t bytes;
    uint64_t kind;
    bool left;
} transit;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static transit transits[SR_MAX_TRANSITS];
static uint64_t last_number;

static transit *find(uint64_t number)
{
    for (int i = 0; i < SR_MAX_TRANSITS; i++)
        if (transits[i].number == number)
            return &transits[i];
    return NULL;
}

void *sr_transit_pack(size_t bytes, uint64_t *number)
{
    void *parcel = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (parcel == MAP_FAILED)
        return NULL;
    pthread_mutex_lock(&lock);
    transit *place = find(0);
    if (place != NULL)
        *place = (transit){*number = ++last_number, parcel, bytes, 0, false};
    pthread_mutex_unlock(&lock);
    if (place == NULL) {
        munmap(parcel, bytes);
        return NULL;
    }
    return parcel;
}

void sr_transit_leave(uint64_t number, uint64_t kind)
{
    pthread_mutex_lock(&lock);
    transit *place = find(number);
    place->kind = kind;
    place->left = true;
    pthread_mutex_unlock(&lock);
}

void *sr_transit_take(uint64_t number, uint64_t kind, size_t bytes)
{
    void *parcel = NULL;
    pthread_mutex_lock(&lock);
    transit *place = number != 0 ? find(number) : NULL;
    if (place != NULL && place->left && place->kind == kind && place->bytes == bytes) {
        parcel = place->parcel;
        *place = (transit){0};
    }
    pthread_mutex_unlock(&lock);
    return parcel;
}

void sr_transit_free(void *parcel, size_t bytes)
{
    munmap(parcel, bytes);
}
