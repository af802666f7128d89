/* SPDX-License-Identifier: Apache-2.0
 *
 * RTP for many legs from one thread, and the floor under all relays: run by load.py.
 *
 *   rtp_load floor SECONDS           ns that one receive and one send of a packet cost on loopback
 *   rtp_load legs SECONDS < FILE     a line for each leg: local host and port, remote host and port, payload type;
 *                                    each sends 50 packets a second and counts what comes; prints sent and received,
 *                                    how much of the rate was held, and the share of steps that came 1 ms late
 *
 * The legs' packets are spread over 20 ms in steps of 250 us. Where it may, the process runs at a real-time priority, so
 * that nothing else on its core keeps it from its rate; it takes a third of a core for 100,000 packets a second.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET 172
#define EVERY_NS 20000000LL
#define STEPS 80
#define LATE_NS 1000000LL
#define MAX_LEGS 20000

typedef struct leg {
    int fd;
    uint8_t type;
} leg;

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct sockaddr_in address(const char *host, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &at.sin_addr);
    return at;
}

static int bound(const char *host, int port)
{
    struct sockaddr_in at = address(host, port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 1 << 18;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        perror(host);
        exit(1);
    }
    return fd;
}

/* A packet goes from hand to hand: each turn is what a relay does for one packet. */
static int floor_of_relays(double seconds)
{
    int a = bound("127.0.0.31", 39000), b = bound("127.0.0.32", 39000);
    struct sockaddr_in to_a = address("127.0.0.31", 39000), to_b = address("127.0.0.32", 39000), from;
    uint8_t data[PACKET] = {0x80};
    long turns = 0;
    int64_t begin = now_ns(CLOCK_THREAD_CPUTIME_ID), wall_end = now_ns(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9);
    sendto(a, data, sizeof data, 0, (struct sockaddr *)&to_b, sizeof to_b);
    do {
        for (int i = 0; i < 1000; i++, turns++) {
            socklen_t length = sizeof from;
            int fd = i & 1 ? a : b;
            if (recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &length) != PACKET)
                return 1;
            struct sockaddr_in *to = i & 1 ? &to_b : &to_a;
            sendto(fd, data, sizeof data, 0, (struct sockaddr *)to, sizeof *to);
        }
    } while (now_ns(CLOCK_MONOTONIC) < wall_end);
    printf("{\"ns\": %.0f}\n", (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - begin) / (double)turns);
    return 0;
}

/* What has come; not longer than until `until_ns`, for what is to be sent goes first. */
static long drain(int epoll, int64_t until_ns)
{
    struct epoll_event events[64];
    uint8_t data[2048];
    long received = 0;
    int count;
    while (now_ns(CLOCK_MONOTONIC) < until_ns && (count = epoll_wait(epoll, events, 64, 0)) > 0)
        for (int i = 0; i < count; i++)
            received += recv(events[i].data.fd, data, sizeof data, 0) > 0;
    return received;
}

static void sleep_until(int64_t due)
{
    struct timespec until = {due / 1000000000, due % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static int run_legs(double seconds)
{
    static leg legs[MAX_LEGS];
    int count = 0, epoll = epoll_create1(0), port, remote_port, type;
    char host[64], remote[64];
    while (count < MAX_LEGS && scanf("%63s %d %63s %d %d", host, &port, remote, &remote_port, &type) == 5) {
        struct sockaddr_in to = address(remote, remote_port);
        legs[count] = (leg){bound(host, port), (uint8_t)type};
        if (connect(legs[count].fd, (struct sockaddr *)&to, sizeof to) < 0)
            return 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = legs[count].fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, legs[count].fd, &event);
        count++;
    }
    struct sched_param priority = {1};
    bool real_time = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    uint8_t data[PACKET] = {0x80};
    memset(data + 12, 0xd5, sizeof data - 12);
    long sent = 0, received = 0, steps = 0, late = 0;
    int64_t begin = now_ns(CLOCK_MONOTONIC), end = begin + (int64_t)(seconds * 1e9);
    for (int64_t due = begin; due < end; due += EVERY_NS / STEPS, steps++) {
        uint32_t number = (uint32_t)(steps / STEPS), stamp = htonl(number * 160);
        int step = (int)(steps % STEPS);
        received += drain(epoll, due);
        if (now_ns(CLOCK_MONOTONIC) < due)
            sleep_until(due);
        else
            late += now_ns(CLOCK_MONOTONIC) > due + LATE_NS;
        for (int i = count * step / STEPS; i < count * (step + 1) / STEPS; i++) {
            uint32_t ssrc = htonl((uint32_t)i + 1);
            data[1] = legs[i].type;
            data[2] = (uint8_t)(number >> 8);
            data[3] = (uint8_t)number;
            memcpy(data + 4, &stamp, 4);
            memcpy(data + 8, &ssrc, 4);
            sent += send(legs[i].fd, data, sizeof data, 0) == PACKET;
        }
    }
    double took = (double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e9;
    usleep(100000);
    received += drain(epoll, INT64_MAX);
    printf("{\"legs\": %d, \"sent\": %ld, \"received\": %ld, \"held_pct\": %.2f, \"late_pct\": %.3f, \"real_time\": %s}\n",
           count, sent, received, 100 * (double)sent / (took * count * 50), 100.0 * (double)late / (double)steps,
           real_time ? "true" : "false");
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit files = {2 * MAX_LEGS, 2 * MAX_LEGS};
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc == 3 && strcmp(argv[1], "floor") == 0)
        return floor_of_relays(atof(argv[2]));
    if (argc == 3 && strcmp(argv[1], "legs") == 0)
        return run_legs(atof(argv[2]));
    fprintf(stderr, "usage: rtp_load floor|legs SECONDS\n");
    return 2;
}
