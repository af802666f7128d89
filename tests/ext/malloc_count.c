/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded in front of the C library: counts what one thread takes from the heap, while it is watched.
 */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);

static _Atomic int watched;
static _Atomic long counted;

static void count(void)
{
    int thread = atomic_load(&watched);
    if (thread != 0 && (int)syscall(SYS_gettid) == thread)
        atomic_fetch_add(&counted, 1);
}

/* 0 ends it. Returns how much was counted since the last call. */
long watch_allocations(int thread)
{
    atomic_store(&watched, thread);
    return atomic_exchange(&counted, 0);
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t number, size_t bytes)
{
    count();
    return __libc_calloc(number, bytes);
}

void *realloc(void *block, size_t bytes)
{
    count();
    return __libc_realloc(block, bytes);
}
