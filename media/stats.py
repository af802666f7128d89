# SPDX-License-Identifier: Apache-2.0
"""Statistics out of the memory that a plane shares: the blocks of ext/shard/stats.h, each under a sequence lock."""

import mmap
import os
import struct
from typing import Final

import msgspec

from switchroom.media.srtp import SUITE_NAMES
from switchroom.media.wire import unpack_address

BLOCK_BYTES: Final = 512
_TRIES: Final = 1_000
_LOCK: Final = struct.Struct("=I")
_LEG: Final = struct.Struct("=II4Qq6I2Ii7I8Bq20s2IB3x4I2f5I3I2i6I")
_PLANE: Final = struct.Struct("=II3Qq2Q4I")
LATE_STEPS: Final = 48
_LATE: Final = struct.Struct(f"={LATE_STEPS}Q")

FEEDS: Final = ("nothing", "relay", "echo", "mix", "transcode", "player", "hold", "silence", "digits")


class XrMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What the remote reports about our stream by RFC 3611; None: it does not know."""

    loss: float
    discard: float
    """Share that came too late for its jitter buffer."""
    signal_dbm0: int | None
    noise_dbm0: int | None
    r: int | None
    mos_lq: float | None
    mos_cq: float | None
    delay_ms: int
    end_delay_ms: int
    lost: int
    """Packets, by its statistics summary."""


class LegStats(msgspec.Struct, frozen=True, kw_only=True):
    """Both directions of one leg, seen from us; at most 160 ms old. Counts begin with the leg."""

    received_packets: int = 0
    received_bytes: int = 0
    sent_packets: int = 0
    sent_bytes: int = 0
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    invalid: int = 0
    """Datagrams that were no RTP, or of a payload type that was not agreed."""
    stranger: int = 0
    """Packets of sources that the leg does not listen to."""
    restarts: int = 0
    digits: int = 0
    jitter_us: int = 0
    round_trip_us: int = 0
    """By RTCP; 0 until known."""
    remote_lost: int = 0
    remote_jitter_us: int = 0
    remote_fraction_lost: float = 0.0
    """What the remote reports about our stream: share of the packets of its last interval."""
    rtcp_received: int = 0
    rtcp_sent: int = 0
    send_errors: int = 0
    source_ssrc: int = 0
    own_ssrc: int = 0
    feed: str = "nothing"
    """What the leg hears: one of FEEDS."""
    receive_codec: str | None = None
    send_codec: str | None = None
    latched: bool = False
    confirmed: bool = False
    remote_bye: bool = False
    timed_out: bool = False
    silent_ms: int | None = None
    """Since the last packet; None before the first."""
    source: tuple[str, int] = ("", 0)
    """Where RTP goes, and comes from once `latched`."""
    unauthentic: int = 0
    """SRTP packets under a wrong key, which go nowhere."""
    replayed: int = 0
    """SRTP packets that had come before."""
    suite: str = ""
    """The SRTP suite; empty: not encrypted."""
    heard_ms: int = 0
    """How much of the remote's audio was listened to; the figures down to `noise_dbm0` are about it."""
    silence_ms: int = 0
    """Of that, below -60 dBov."""
    silence_now_ms: int = 0
    """Of that, without a break until now."""
    clipped: int = 0
    """Samples at full scale beside another one."""
    speech_dbm0: float | None = None
    """Mean level of what is not silence; None before anything was heard."""
    noise_dbm0: float | None = None
    """The quietest of the last seconds."""
    loss_gaps: int = 0
    """How often packets were missing, however many at a time."""
    concealed_ms: int = 0
    """Made up for missing packets; this and what follows only where there is a jitter buffer."""
    played_ms: int = 0
    discarded: int = 0
    """Packets that came too late to be played, or while the buffer was full."""
    delay_ms: int = 0
    """Of the jitter buffer."""
    xr: XrMetrics | None = None


class PlaneStats(msgspec.Struct, frozen=True, kw_only=True):
    """One shard. A slot is 5 ms of its clock; late means by more than 2 ms."""

    slots: int
    skipped_slots: int
    late_slots: int
    max_late_us: int
    received_packets: int
    sent_packets: int
    open_legs: int
    max_legs: int
    free_ports: int
    facts_lost: int


_UNKNOWN: Final = 127


def _level(dbm0: float) -> float:
    return round(dbm0, 1)


def _known(value: int) -> int | None:
    return None if value == _UNKNOWN else value


def _tenths(value: int) -> float | None:
    return None if value == _UNKNOWN else value / 10


def late_limit_us(step: int) -> int:
    """Below which the lateness of a step is: quarters of an octave from 16 us on (ext/shard/stats.h)."""
    return (4 + step % 4) << (2 + step // 4)


class StatsPage:
    """The shared memory of one plane; takes over `fd`."""

    def __init__(self, fd: int, codecs: tuple[str, ...]) -> None:
        try:
            self._memory = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(fd)
        self._codecs = codecs

    def close(self) -> None:
        self._memory.close()

    def _block(self, index: int) -> bytes | None:
        start = index * BLOCK_BYTES
        for _ in range(_TRIES):
            before = self._memory[start : start + 4]
            block = self._memory[start : start + BLOCK_BYTES]
            if before == block[:4] == self._memory[start : start + 4] and not before[0] & 1:
                return block
        return None

    def plane(self) -> PlaneStats:
        """Raises RuntimeError when the plane died while writing."""
        block = self._block(0)
        if block is None:
            raise RuntimeError("the statistics of the plane stay locked")
        _, _, slots, skipped, late, max_late_ns, received, sent, legs, most, ports, lost = _PLANE.unpack_from(block)
        return PlaneStats(
            slots=slots,
            skipped_slots=skipped,
            late_slots=late,
            max_late_us=max_late_ns // 1000,
            received_packets=received,
            sent_packets=sent,
            open_legs=legs,
            max_legs=most,
            free_ports=ports,
            facts_lost=lost,
        )

    def lateness(self) -> tuple[int, ...]:
        """How many slots were how late; `late_limit_us` has the steps. Raises RuntimeError like `plane`."""
        block = self._block(0)
        if block is None:
            raise RuntimeError("the statistics of the plane stay locked")
        return _LATE.unpack_from(block, _PLANE.size)

    def leg(self, handle: int) -> LegStats | None:
        """None when the slot belongs to another leg by now."""
        block = self._block(1 + (handle & 0xFFFF))
        if block is None:
            return None
        (
            _,
            owner,
            received, received_bytes, sent, sent_bytes, lost,
            late, duplicate, invalid, stranger, restarts, digits,
            jitter_us, round_trip_us, remote_lost, remote_jitter_us,
            fraction, rtcp_received, rtcp_sent, send_errors, source_ssrc, own_ssrc,
            feed, receive_codec, send_codec, _flags, latched, confirmed, bye, timed_out,
            silent_ms, source, unauthentic, replayed, suite,
            heard_ms, silence_ms, silence_now_ms, clipped, speech_dbm0, noise_dbm0,
            loss_gaps, concealed_ms, played_ms, discarded, delay_ms,
            xr_count, xr_loss, xr_discard, xr_signal, xr_noise, xr_r, xr_lq, xr_cq, xr_delay, xr_end_delay, xr_lost,
        ) = _LEG.unpack_from(block)  # fmt: skip
        if owner != handle:
            return None
        return LegStats(
            received_packets=received,
            received_bytes=received_bytes,
            sent_packets=sent,
            sent_bytes=sent_bytes,
            lost=lost,
            late=late,
            duplicate=duplicate,
            invalid=invalid,
            stranger=stranger,
            restarts=restarts,
            digits=digits,
            jitter_us=jitter_us,
            round_trip_us=round_trip_us,
            remote_lost=remote_lost,
            remote_jitter_us=remote_jitter_us,
            remote_fraction_lost=fraction / 256,
            rtcp_received=rtcp_received,
            rtcp_sent=rtcp_sent,
            send_errors=send_errors,
            source_ssrc=source_ssrc,
            own_ssrc=own_ssrc,
            feed=FEEDS[feed] if feed < len(FEEDS) else "unknown",
            receive_codec=self._name(receive_codec),
            send_codec=self._name(send_codec),
            latched=bool(latched),
            confirmed=bool(confirmed),
            remote_bye=bool(bye),
            timed_out=bool(timed_out),
            silent_ms=None if silent_ms < 0 else silent_ms,
            source=unpack_address(source),
            unauthentic=unauthentic,
            replayed=replayed,
            suite=SUITE_NAMES[suite] if suite < len(SUITE_NAMES) else "unknown",
            heard_ms=heard_ms,
            silence_ms=silence_ms,
            silence_now_ms=silence_now_ms,
            clipped=clipped,
            speech_dbm0=_level(speech_dbm0) if heard_ms else None,
            noise_dbm0=_level(noise_dbm0) if heard_ms else None,
            loss_gaps=loss_gaps,
            concealed_ms=concealed_ms,
            played_ms=played_ms,
            discarded=discarded,
            delay_ms=delay_ms,
            xr=None
            if xr_count == 0
            else XrMetrics(
                loss=xr_loss / 256,
                discard=xr_discard / 256,
                signal_dbm0=_known(xr_signal),
                noise_dbm0=_known(xr_noise),
                r=_known(xr_r),
                mos_lq=_tenths(xr_lq),
                mos_cq=_tenths(xr_cq),
                delay_ms=xr_delay,
                end_delay_ms=xr_end_delay,
                lost=xr_lost,
            ),
        )

    def _name(self, index: int) -> str | None:
        return self._codecs[index] if index < len(self._codecs) else None
