/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of a shard: wait for packets, commands and the clock, and never for anything else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "plane.h"

#define WIRE UINT64_MAX
#define TIMER (UINT64_MAX - 1)
#define DOOR (UINT64_MAX - 2)
#define EVENTS 128
#define SLICE_NS 1000000
#define PASSING_NS 1000000000LL  /* so long after a relayed packet more of them are expected */
#define BUFFERED_GATHERS 3       /* times the usual wait; with that, half a slot at most by default */

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int sr_shard_watch(sr_plane *plane, int fd, uint64_t data)
{
    if (plane->epoll_fd < 0)
        return 0;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};
    return epoll_ctl(plane->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

void sr_shard_unwatch(sr_plane *plane, int fd)
{
    if (plane->epoll_fd >= 0)
        epoll_ctl(plane->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int sr_shard_attach(sr_plane *plane, int wire_fd)
{
    return write(plane->door[1], &wire_fd, sizeof wire_fd) == sizeof wire_fd ? 0 : -1;
}

static void open_door(sr_plane *plane)
{
    int fd;
    if (read(plane->door[0], &fd, sizeof fd) != sizeof fd)
        return;
    if (fd < 0) {
        plane->stopping = true;
        return;
    }
    sr_plane_attach(plane, fd);
    sr_shard_watch(plane, fd, WIRE);
}

/* The server is gone. Where there is a door, another may come. Returns whether the shard goes on. */
static bool hang_up(sr_plane *plane)
{
    sr_plane_detach(plane);
    return plane->door[0] >= 0;
}

int sr_shard_open(sr_plane *plane, bool with_door)
{
    plane->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    plane->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (plane->epoll_fd < 0 || plane->timer_fd < 0)
        return -1;
    if (with_door && (pipe2(plane->door, O_CLOEXEC | O_NONBLOCK) < 0 || sr_shard_watch(plane, plane->door[0], DOOR) < 0))
        return -1;
    if (plane->wire_fd >= 0 && sr_shard_watch(plane, plane->wire_fd, WIRE) < 0)
        return -1;
    return sr_shard_watch(plane, plane->timer_fd, TIMER);
}

/* At `due_ns` and then every so many slots. */
static void set_timer(const sr_plane *plane, int64_t due_ns, int slots)
{
    int64_t every_ns = slots * SR_SLOT_NS;
    struct itimerspec when = {
        .it_value = {due_ns / 1000000000, due_ns % 1000000000},
        .it_interval = {every_ns / 1000000000, every_ns % 1000000000},
    };
    timerfd_settime(plane->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int64_t next_slot_ns(const sr_plane *plane)
{
    return plane->first_slot_ns + (int64_t)(plane->slot + 1) * SR_SLOT_NS;
}

/* A wake-up costs several times what a packet costs, so packets that come close together share one. What only goes into
 * jitter buffers, as in conferences, is in less of a hurry than what is passed on. The clock is not kept waiting. */
static void gather(const sr_plane *plane, int64_t woken_ns)
{
    bool passes = woken_ns - plane->passed_ns < PASSING_NS;
    int64_t until_ns = woken_ns + plane->config.gather_ns * (passes ? 1 : BUFFERED_GATHERS);
    int64_t due_ns = plane->resting ? plane->timer_due_ns : next_slot_ns(plane);
    if (until_ns > due_ns)
        until_ns = due_ns;
    struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* A plane that generates no audio is not woken at each slot; nothing that it has to do is in such a hurry. */
static void rest(sr_plane *plane)
{
    bool may = sr_plane_may_rest(plane);
    if (may == plane->resting)
        return;
    int64_t due_ns = plane->first_slot_ns + (int64_t)(plane->slot + (may ? SR_REST_SLOTS : 1)) * SR_SLOT_NS;
    set_timer(plane, due_ns, may ? SR_REST_SLOTS : 1);
    plane->timer_due_ns = due_ns;
    plane->resting = may;
}

static void tick_now(sr_plane *plane)
{
    sr_plane_clock(plane, read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_REALTIME));
    sr_plane_tick(plane);
}

static void packet_ready(sr_plane *plane, uint64_t data)
{
    plane->now_ns = read_clock(CLOCK_MONOTONIC);
    if (!plane->resting && plane->now_ns >= next_slot_ns(plane))
        tick_now(plane); /* the timer may be behind thousands of packets in epoll's queue, and the clock goes first */
    sr_leg *leg = sr_plane_leg(plane, (uint32_t)(data >> 1)); /* closed by an earlier event of this round: none */
    if (leg == NULL)
        return;
    if (data & 1)
        sr_leg_rtcp_ready(plane, leg);
    else
        sr_leg_rtp_ready(plane, leg);
}

/* Linux 6.12 and later let a thread ask for short slices of the core. It gets no more of it for that, but sooner: a longer
 * slice of another, Python's or the writer's say, ends when this thread wakes up. No right is needed. */
static void ask_for_short_slices(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_ns, deadline_ns, period_ns;
    } wish = {.size = 48, .policy = SCHED_OTHER, .runtime_ns = SLICE_NS};
    if (sched_getscheduler(0) != SCHED_OTHER)
        return;
    wish.nice = getpriority(PRIO_PROCESS, 0); /* of this thread */
    syscall(SYS_sched_setattr, 0, &wish, 0);  /* an older kernel takes it and does nothing */
}

void sr_shard_run(sr_plane *plane)
{
    struct epoll_event events[EVENTS];
    sr_plane_clock(plane, read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_REALTIME));
    set_timer(plane, sr_plane_tick(plane), 1);
    pthread_t writer;
    bool writing = pthread_create(&writer, NULL, sr_taps_write, plane) == 0; /* without it sr_plane_free writes */
    ask_for_short_slices(); /* the writer does well with longer ones */
    bool wired = true;
    while (wired && !plane->stopping) {
        int count = epoll_wait(plane->epoll_fd, events, EVENTS, -1);
        if (count < 0 && errno != EINTR)
            break;
        bool command = false, tick = false, packet = false, door = false;
        for (int i = 0; i < count; i++) {
            command |= events[i].data.u64 == WIRE;
            tick |= events[i].data.u64 == TIMER;
            door |= events[i].data.u64 == DOOR;
        }
        int64_t woken_ns = read_clock(CLOCK_MONOTONIC);
        if (plane->resting) /* what comes now may begin something at its slot */
            tick_now(plane);
        if (command && plane->wire_fd >= 0) { /* before the packets, which may be what was just agreed */
            sr_plane_clock(plane, read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_REALTIME));
            wired = sr_plane_read_commands(plane) || hang_up(plane);
        }
        for (int i = 0; i < count; i++)
            if (events[i].data.u64 < DOOR) {
                packet_ready(plane, events[i].data.u64);
                packet = true;
            }
        if (tick) {
            uint64_t expirations; /* how many there were is told by the clock itself, unless it rests */
            bool called = read(plane->timer_fd, &expirations, sizeof expirations) == sizeof expirations;
            if (called && plane->resting) {
                sr_plane_note_late(plane, woken_ns - plane->timer_due_ns, SR_REST_SLOTS);
                plane->timer_due_ns += (int64_t)expirations * SR_REST_SLOTS * SR_SLOT_NS;
            }
        }
        if (door)
            open_door(plane);
        if (tick)
            tick_now(plane);
        if (plane->facts_count > 0)
            sr_plane_flush(plane);
        rest(plane);
        if (packet && plane->config.gather_ns > 0)
            gather(plane, woken_ns);
    }
    sr_plane_end(plane);
    if (writing)
        pthread_join(writer, NULL);
    sr_taps_keep(plane, 0, 1);
    sr_plane_flush(plane);
}
