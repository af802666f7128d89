# SPDX-License-Identifier: Apache-2.0
"""The parts of plane.h and memory_net.h that plane.pyx touches."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from switchroom.ext.codec_ops cimport sr_codec_ops


cdef extern from "shard/net.h" nogil:
    ctypedef struct sr_wire_address:
        uint16_t family
        uint16_t port
        uint8_t ip[16]

    ctypedef struct sr_endpoint:
        pass

    ctypedef struct sr_net:
        pass

    const sr_net sr_sockets
    bint sr_endpoint_from_wire(sr_endpoint *endpoint, const sr_wire_address *wire)
    void sr_endpoint_to_wire(const sr_endpoint *endpoint, sr_wire_address *wire)


cdef extern from "shard/ports.h" nogil:
    ctypedef struct sr_ports:
        pass

    int sr_ports_init(sr_ports *ports, uint16_t low, uint16_t high, int64_t rest_ns, uint64_t seed)
    void sr_ports_free(sr_ports *ports)


cdef extern from "shard/plane.h" nogil:
    const uint32_t SR_MAX_CODECS
    const uint32_t SR_MAX_LEGS

    ctypedef struct sr_leg:
        uint32_t handle
        uint16_t port

    ctypedef struct sr_plane_config:
        sr_endpoint bind
        sr_ports *ports
        uint16_t max_legs
        uint16_t max_prompts
        int64_t rtp_timeout_ns
        int64_t gather_ns
        int traffic_class
        uint64_t seed

    ctypedef struct sr_plane:
        sr_plane_config config
        const sr_codec_ops *codecs[16]
        uint32_t codec_count
        sr_leg *legs

    const char *sr_plane_init(sr_plane *plane, const sr_plane_config *config, const sr_net *net, int wire_fd)
    void sr_plane_free(sr_plane *plane)
    void sr_plane_clock(sr_plane *plane, int64_t now_ns, int64_t wall_ns)
    int64_t sr_plane_tick(sr_plane *plane)
    void sr_plane_flush(sr_plane *plane)
    bint sr_plane_read_commands(sr_plane *plane)
    void sr_leg_rtp_ready(sr_plane *plane, sr_leg *leg)
    void sr_leg_rtcp_ready(sr_plane *plane, sr_leg *leg)
    void sr_taps_drain(sr_plane *plane)
    int sr_shard_open(sr_plane *plane, bint with_door)
    int sr_shard_attach(sr_plane *plane, int wire_fd)
    void sr_shard_run(sr_plane *plane)


cdef extern from "shard/memory_net.h" nogil:
    const int SR_MEMORY_BYTES

    ctypedef struct sr_memory_datagram:
        int fd
        int bytes
        sr_endpoint to
        uint8_t *data

    ctypedef struct sr_memory_net:
        bint *refused
        bint failing
        int inbox_fd
        int inbox_bytes
        sr_endpoint inbox_from
        uint8_t *inbox
        uint32_t sent_count
        uint32_t sent_lost
        sr_memory_datagram *sent

    sr_net sr_memory_network(sr_memory_net *memory)


cdef class Ports:
    cdef sr_ports ports


cdef class Shard:
    cdef sr_plane *_plane
    cdef object _codecs
    cdef Ports _ports
    cdef bint _running
    cdef _create(self, int wire_fd, const sr_net *net, codecs, str bind, Ports ports, dict limits)
