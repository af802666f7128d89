# SPDX-License-Identifier: Apache-2.0
# folders: ext/shard ext/kernels
# distutils: depends = src/switchroom/ext/codec_ops.h
# distutils: libraries = m pthread srtp2 nettle
"""The way from Python into one shard of the media plane: make it, run it without the GIL, give it back.

Orders and facts go over the wire (wire.h), not through here. `VirtualShard` is the same plane with a clock and a network
that a test holds in its hands.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from switchroom.ext.codec_ops cimport SR_CODEC_ABI

import os
import socket

cimport cython


cdef int _to_endpoint(sr_endpoint *endpoint, str host, int port) except -1:
    cdef sr_wire_address wire
    cdef bytes packed
    memset(&wire, 0, sizeof(wire))
    wire.family = socket.AF_INET6 if ":" in host else socket.AF_INET
    wire.port = port
    packed = socket.inet_pton(wire.family, host)
    memcpy(wire.ip, <const char *>packed, len(packed))
    sr_endpoint_from_wire(endpoint, &wire)
    return 0


cdef _from_endpoint(const sr_endpoint *endpoint):
    cdef sr_wire_address wire
    sr_endpoint_to_wire(endpoint, &wire)
    if wire.family == 0:
        return ("", 0)
    size = 4 if wire.family == socket.AF_INET else 16
    return (socket.inet_ntop(wire.family, bytes(wire.ip[:size])), wire.port)


cdef class Ports:
    """The RTP ports of all shards that it is given to: low to high, both included, and how long a freed one rests."""

    def __init__(self, int low, int high, int port_rest_ms=2000, seed=None):
        if not 0 <= low <= high <= 65535 or sr_ports_init(
                &self.ports, low, high, port_rest_ms * 1_000_000LL,
                int.from_bytes(os.urandom(8), "little") if seed is None else seed) < 0:
            raise ValueError("the port range holds no pair of ports")

    def __dealloc__(self):
        sr_ports_free(&self.ports)


@cython.no_gc_clear
cdef class Shard:
    """One shard. It owns `wire_fd` (a SOCK_SEQPACKET end) from then on, also when this raises.

    codecs: capsules of codec tables (codec_ops.h); a codec's number on the wire is its place here. bind: numeric address.
    ports: shared by the shards between which legs may move. With a `door` it outlives its wires (-1: none yet), and
    others may be attached. Raises ValueError for values that make no sense, OSError when the system refuses.
    """

    def __cinit__(self, *args, **kwargs):
        self._plane = <sr_plane *>calloc(1, sizeof(sr_plane))
        if self._plane is NULL:
            raise MemoryError

    def __init__(self, int wire_fd, codecs, str bind, Ports ports not None, *, max_legs=1024, max_prompts=1024,
                 rtp_timeout_ms=3000, traffic_class=0xB8, gather_us=0, seed=None, bint door=False):
        self._create(wire_fd, &sr_sockets, codecs, bind, ports, {
            "gather_us": gather_us,
            "max_legs": max_legs, "max_prompts": max_prompts,
            "rtp_timeout_ms": rtp_timeout_ms, "traffic_class": traffic_class, "seed": seed})
        if sr_shard_open(self._plane, door) < 0:
            self.close()
            raise OSError("the shard's epoll or timer could not be made")

    cdef _create(self, int wire_fd, const sr_net *net, codecs, str bind, Ports ports, dict limits):
        cdef sr_plane_config config
        cdef const char *problem
        memset(&config, 0, sizeof(config))
        try:
            codecs = tuple(codecs)
            if not 1 <= len(codecs) <= SR_MAX_CODECS:
                raise ValueError(f"{len(codecs)} codecs: 1 to {SR_MAX_CODECS} are possible")
            if not 1 <= limits["max_legs"] <= SR_MAX_LEGS:
                raise ValueError(f"max_legs must be 1 to {SR_MAX_LEGS}")
            _to_endpoint(&config.bind, bind, 0)
            config.ports = &ports.ports
            self._ports = ports
            config.max_legs = limits["max_legs"]
            config.max_prompts = limits["max_prompts"]
            config.rtp_timeout_ns = limits["rtp_timeout_ms"] * 1_000_000
            config.gather_ns = limits.get("gather_us", 0) * 1_000
            config.traffic_class = limits["traffic_class"]
            seed = limits["seed"]
            config.seed = int.from_bytes(os.urandom(8), "little") if seed is None else seed
            for i, capsule in enumerate(codecs):
                self._plane.codecs[i] = <const sr_codec_ops *>PyCapsule_GetPointer(capsule, b"switchroom.codec_ops")
            self._codecs = codecs
            self._plane.codec_count = len(codecs)
        except BaseException:
            if wire_fd >= 0:
                os.close(wire_fd)
            raise
        problem = sr_plane_init(self._plane, &config, net, wire_fd)
        if problem is not NULL:
            self.close()
            raise ValueError(problem.decode())

    def run(self):
        """Serve until SR_SHUTDOWN or the end of the wire, without the GIL; then close everything."""
        if self._plane is NULL or self._plane.codec_count == 0:
            raise ValueError("the shard is closed")
        self._running = True
        with nogil:
            sr_shard_run(self._plane)
        self._running = False
        self.close()

    def attach(self, int wire_fd):
        """Give a shard with a `door` another wire, which it owns from then on; the former one is hung up."""
        if sr_shard_attach(self._plane, wire_fd) < 0:
            os.close(wire_fd)
            raise OSError("the shard takes no wire")

    def stop(self):
        """Let `run` of a shard with a `door` return."""
        sr_shard_attach(self._plane, -1)

    def close(self):
        """Close all legs and descriptors. Not while `run` runs."""
        if self._running:
            raise RuntimeError("the shard runs")
        if self._plane is not NULL and self._plane.codec_count:
            sr_plane_free(self._plane)

    def __dealloc__(self):
        if self._plane is not NULL:
            if self._plane.codec_count:
                sr_plane_free(self._plane)
            free(self._plane)


cdef class VirtualShard(Shard):
    """A shard on a network in memory, with the clock in the hands of a test. It has no thread and no sockets."""

    cdef sr_memory_net *_memory
    cdef VirtualShard _beside  # whose network this one is on as well

    def __init__(self, int wire_fd, codecs, str bind, Ports ports not None, *, max_legs=64, max_prompts=16,
                 VirtualShard beside=None, rtp_timeout_ms=3000, traffic_class=0, seed=1):
        cdef sr_net net
        self._beside = beside
        self._memory = beside._memory if beside is not None else <sr_memory_net *>calloc(1, sizeof(sr_memory_net))
        if self._memory is NULL:
            os.close(wire_fd)
            raise MemoryError
        net = sr_memory_network(self._memory)
        self._create(wire_fd, &net, codecs, bind, ports, {
            "max_legs": max_legs, "max_prompts": max_prompts,
            "rtp_timeout_ms": rtp_timeout_ms, "traffic_class": traffic_class, "seed": seed})

    def __dealloc__(self):
        if self._plane is not NULL and self._plane.codec_count:
            sr_plane_free(self._plane)
        if self._beside is None:
            free(self._memory)

    def refuse(self, int port, bint refused=True):
        """Let `port` be in use by another program."""
        self._memory.refused[port & 0xffff] = refused

    def fail_sends(self, bint failing):
        self._memory.failing = failing

    def write(self):
        """One round of the thread that writes recordings."""
        sr_taps_drain(self._plane)

    def advance(self, int64_t now_ns, int64_t wall_ns=0):
        """Set the clock, obey the commands that wait, do what is due, tell facts. False at the end of the wire."""
        sr_plane_clock(self._plane, now_ns, wall_ns)
        alive = sr_plane_read_commands(self._plane)
        sr_plane_tick(self._plane)
        sr_plane_flush(self._plane)
        return alive

    def deliver(self, int port, bytes data, source):
        """Let a datagram arrive at `port` from `source` (host, port). False when nobody has the port."""
        cdef uint32_t i
        cdef sr_leg *leg
        size = min(len(data), SR_MEMORY_BYTES)
        for i in range(self._plane.config.max_legs):
            leg = &self._plane.legs[i]
            if leg.handle and leg.port == port & ~1:
                self._memory.inbox_fd = port
                self._memory.inbox_bytes = size
                if size:
                    memcpy(self._memory.inbox, <const char *>data, size)
                _to_endpoint(&self._memory.inbox_from, source[0], source[1])
                if port & 1:
                    sr_leg_rtcp_ready(self._plane, leg)
                else:
                    sr_leg_rtp_ready(self._plane, leg)
                sr_plane_flush(self._plane)
                return True
        return False

    def sent(self):
        """What was sent since the last call: (local port, (host, port), bytes) each."""
        cdef uint32_t i
        cdef sr_memory_datagram *datagram
        if self._memory.sent_lost:
            raise OverflowError("more datagrams were sent than are kept")
        result = []
        for i in range(self._memory.sent_count):
            datagram = &self._memory.sent[i]
            result.append((datagram.fd, _from_endpoint(&datagram.to), bytes(datagram.data[:datagram.bytes])))
        self._memory.sent_count = 0
        return result


def codec_info(capsule):
    """(name, sample_rate_hz, clock_rate_hz) of a codec table."""
    cdef const sr_codec_ops *ops = <const sr_codec_ops *>PyCapsule_GetPointer(capsule, b"switchroom.codec_ops")
    if ops.abi != SR_CODEC_ABI:
        raise ValueError(f"a codec table of version {ops.abi}; this plane needs {SR_CODEC_ABI}")
    return ops.name.decode(), ops.sample_rate_hz, ops.clock_rate_hz
