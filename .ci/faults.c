/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults on purpose, one for each sanitizer: checked-build wants to see them found.
 */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

static int shared;

static void *write_it(void *unused)
{
    (void)unused;
    shared++;
    return NULL;
}

int race(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, write_it, NULL);
    shared++;
    pthread_join(thread, NULL);
    return shared;
}

int overrun(void)
{
    volatile char *block = malloc(8);
    int beyond = block[8];
    free((void *)block);
    return beyond;
}

int overflow(void)
{
    volatile int most = INT_MAX;
    return most + 1;
}
