/* SPDX-License-Identifier: Apache-2.0
 *
 * Facts and answers wait in a ring until the wire takes them; commands are read a message at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "plane.h"

#define KEPT_FOR_ANSWERS (SR_FACTS / 4) /* facts may be lost, and are counted; answers never */
#define MAX_MESSAGES 16          /* read in one go: a flood of commands shall not delay the audio */

static bool enqueue(sr_plane *plane, const sr_record *record, uint32_t room)
{
    if (plane->facts_count >= room)
        return false;
    plane->facts[(plane->facts_head + plane->facts_count) % SR_FACTS] = *record;
    plane->facts_count++;
    return true;
}

void sr_plane_fact(sr_plane *plane, enum sr_op op, const sr_leg *leg, uint32_t other, sr_record *record)
{
    sr_record empty = {0};
    if (record == NULL)
        record = &empty;
    if (plane->facts_lost > 0) {
        sr_record gap = {.op = SR_FACTS_LOST, .other = plane->facts_lost, .number = plane->facts_number};
        if (enqueue(plane, &gap, SR_FACTS - KEPT_FOR_ANSWERS - 1))
            plane->facts_lost = 0;
    }
    record->op = (uint16_t)op;
    record->leg = leg->handle;
    record->other = other;
    record->number = ++plane->facts_number;
    if (!enqueue(plane, record, SR_FACTS - KEPT_FOR_ANSWERS)) {
        plane->facts_lost++;
        plane->counts.facts_lost++;
    }
}

void sr_plane_answer(sr_plane *plane, const sr_record *command, sr_record *answer, enum sr_error error)
{
    if (command->cookie == 0)
        return;
    answer->op = SR_ANSWER;
    answer->cookie = command->cookie;
    answer->other = error;
    answer->flags = command->op;
    enqueue(plane, answer, SR_FACTS);
}

static ssize_t send_records(sr_plane *plane, const sr_record *records, uint32_t count)
{
    struct iovec part = {(void *)records, count * sizeof *records};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
    if (records->op == SR_ANSWER && records->flags == SR_HELLO) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &plane->stats_fd, sizeof(int));
    }
    return sendmsg(plane->wire_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void sr_plane_flush(sr_plane *plane)
{
    while (plane->facts_count > 0 && plane->wire_fd >= 0) {
        uint32_t count = plane->facts_count, to_end = SR_FACTS - plane->facts_head;
        if (count > SR_BATCH_RECORDS)
            count = SR_BATCH_RECORDS;
        if (count > to_end)
            count = to_end;
        if (send_records(plane, &plane->facts[plane->facts_head], count) < 0)
            return; /* full: tried again at the next slot */
        plane->facts_head = (plane->facts_head + count) % SR_FACTS;
        plane->facts_count -= count;
    }
}

void sr_plane_detach(sr_plane *plane)
{
    if (plane->wire_fd >= 0)
        close(plane->wire_fd); /* which takes it off epoll */
    plane->wire_fd = -1;
    sr_rooms_abandon(plane);
}

void sr_plane_attach(sr_plane *plane, int wire_fd)
{
    uint32_t count = plane->facts_count, kept = 0;
    sr_plane_detach(plane);
    plane->wire_fd = wire_fd;
    for (uint32_t i = 0; i < count; i++) { /* what is to be answered was asked by another */
        const sr_record *record = &plane->facts[(plane->facts_head + i) % SR_FACTS];
        if (record->op != SR_ANSWER)
            plane->facts[(plane->facts_head + kept++) % SR_FACTS] = *record;
    }
    plane->facts_count = kept;
    for (uint32_t i = 0; i < plane->config.max_prompts; i++) /* the slots are the new server's */
        if (plane->prompts[i].pcm != NULL)
            sr_prompt_unload(&plane->prompts[i]);
}

/* Returns the first descriptor that came with a message; more than one is nonsense and closed. */
static int received_fd(struct msghdr *message)
{
    int found = -1;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            if (found < 0)
                found = fd;
            else
                close(fd);
        }
    }
    return found;
}

bool sr_plane_read_commands(sr_plane *plane)
{
    for (int messages = 0; messages < MAX_MESSAGES && plane->facts_count < SR_FACTS - SR_BATCH_RECORDS; messages++) {
        sr_record records[SR_BATCH_RECORDS];
        union { struct cmsghdr header; char room[CMSG_SPACE(4 * sizeof(int))]; } control;
        struct iovec part = {records, sizeof records};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        ssize_t bytes = recvmsg(plane->wire_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (bytes < 0)
            return errno == EAGAIN || errno == EINTR;
        if (bytes == 0)
            return false;
        int fd = received_fd(&message);
        size_t count = (size_t)bytes / sizeof *records;
        for (size_t i = 0; i < count; i++)
            sr_plane_obey(plane, &records[i], i == 0 ? fd : -1);
        if (count == 0 && fd >= 0)
            close(fd);
        sr_plane_flush(plane); /* so that answers never wait for each other's room */
    }
    return true;
}
