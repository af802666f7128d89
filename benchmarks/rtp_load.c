/* SPDX-License-Identifier: Apache-2.0
 *
 * RTP for many legs from one thread, and the floor under all relays: run by load.py.
 *
 *   rtp_load floor SECONDS           ns that one receive and one send of a packet cost on loopback
 *   rtp_load legs SECONDS < FILE     a line for each leg: local host and port, remote host and port, payload type;
 *                                    each sends 50 packets a second and counts what comes; prints sent and received
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
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
#define MAX_LEGS 20000

typedef struct leg {
    int fd;
    struct sockaddr_in to;
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

static long drain(int epoll)
{
    struct epoll_event events[256];
    uint8_t data[2048];
    long received = 0;
    int count;
    while ((count = epoll_wait(epoll, events, 256, 0)) > 0)
        for (int i = 0; i < count; i++)
            while (recv(events[i].data.fd, data, sizeof data, 0) > 0)
                received++;
    return received;
}

static int run_legs(double seconds)
{
    static leg legs[MAX_LEGS];
    int count = 0, epoll = epoll_create1(0), port, remote_port, type;
    char host[64], remote[64];
    while (count < MAX_LEGS && scanf("%63s %d %63s %d %d", host, &port, remote, &remote_port, &type) == 5) {
        legs[count] = (leg){bound(host, port), address(remote, remote_port), (uint8_t)type};
        struct epoll_event event = {.events = EPOLLIN, .data.fd = legs[count].fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, legs[count].fd, &event);
        count++;
    }
    uint8_t data[PACKET] = {0x80};
    memset(data + 12, 0xd5, sizeof data - 12);
    long sent = 0, received = 0;
    int64_t begin = now_ns(CLOCK_MONOTONIC), end = begin + (int64_t)(seconds * 1e9);
    for (int64_t round = begin; round < end; round += EVERY_NS) {
        uint32_t number = (uint32_t)((round - begin) / EVERY_NS), stamp = htonl(number * 160);
        for (int i = 0; i < count; i++) { /* spread over the 20 ms */
            int64_t due = round + EVERY_NS * i / count, now = now_ns(CLOCK_MONOTONIC);
            if (now < due) {
                received += drain(epoll);
                struct timespec until = {due / 1000000000, due % 1000000000};
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
            }
            uint32_t ssrc = htonl((uint32_t)i + 1);
            data[1] = legs[i].type;
            data[2] = (uint8_t)(number >> 8);
            data[3] = (uint8_t)number;
            memcpy(data + 4, &stamp, 4);
            memcpy(data + 8, &ssrc, 4);
            sent += sendto(legs[i].fd, data, sizeof data, 0, (struct sockaddr *)&legs[i].to, sizeof legs[i].to) == PACKET;
        }
    }
    usleep(100000);
    received += drain(epoll);
    printf("{\"legs\": %d, \"sent\": %ld, \"received\": %ld}\n", count, sent, received);
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
