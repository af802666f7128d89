# SPDX-License-Identifier: Apache-2.0
"""Metrics for Prometheus, read from the exchange when they are asked for; nothing is counted twice."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from switchroom.pbx.rpc.exchange import ShardFigures, Status, TrunkFigures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SHARD_COUNTERS = {
    "slots": "Slots of 5 ms that the media clock went through",
    "skipped_slots": "Slots that were left out, because the thread came too late",
    "late_slots": "Slots that were late by more than 2 ms",
    "received_packets": "RTP packets received",
    "sent_packets": "RTP packets sent",
    "facts_lost": "Events of the media plane that did not fit into their queue",
}
_SHARD_GAUGES = {
    "open_legs": "Legs with audio",
    "max_legs": "Legs for which there is room",
    "free_ports": "RTP ports left",
}


class RpcFigures:
    """What the interface counts of itself; each is read at scrape time."""

    def __init__(self, connections: Callable[[], int], served: Callable[[], int], failed: Callable[[], int]) -> None:
        self.connections = connections
        self.served = served
        self.failed = failed


class Metrics(Collector):
    """One registry of its own, so that several exchanges in one process do not mix."""

    def __init__(self, status: Callable[[], Status], rpc: RpcFigures) -> None:
        self._status = status
        self._rpc = rpc
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The exposition format 0.0.4."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked of the exchange when the registry is built."""
        return ()

    def collect(self) -> Iterable[Metric]:
        status = self._status()
        yield InfoMetricFamily("switchroom", "The exchange", {"version": status.version, "name": status.name})
        yield _gauge("uptime_seconds", "Since the start", status.uptime_s)
        yield _gauge("draining", "1 while new calls are refused because of a shutdown", status.draining)
        yield _gauge("calls", "Calls going on", status.calls)
        yield _gauge("legs", "Legs of these calls", status.legs)
        yield _gauge("registrations", "Registered contacts", status.registrations)
        yield _gauge("loop_late_seconds", "How late the event loop comes to its timers", status.loop_late_ms / 1000)
        refused = CounterMetricFamily("switchroom_calls_refused", "Calls refused by a limit", labels=["reason"])
        for reason, count in status.refused.items():
            refused.add_metric([reason], count)
        yield refused
        yield _counter("sip_received", "SIP messages received", status.sip.received)
        yield _counter("sip_malformed", "SIP messages that could not be read", status.sip.malformed)
        yield _counter("sip_stray", "SIP responses and ACKs that belong to nothing", status.sip.stray)
        yield _counter("sip_overload", "SIP requests refused for want of room", status.sip.overload)
        yield _counter("sip_faults", "Faults of ours in the SIP core", status.sip.faults)
        yield _gauge("sip_transactions", "SIP transactions", status.sip.transactions)
        yield _gauge("sip_sessions", "SIP sessions, early ones included", status.sip.sessions)
        yield _counter("journal_records", "The newest number of the journal", status.journal.last)
        yield _gauge(
            "journal_pending", "Records that are not on disk yet", status.journal.last - status.journal.durable
        )
        yield _counter("journal_lost", "Records that had to be dropped", status.journal.lost)
        yield _counter("journal_write_errors", "Writes of the journal that failed", status.journal.write_errors)
        yield _counter("cdrs_written", "Call detail records written", status.cdrs_written)
        yield from _shards(status.media)
        yield from _trunks(status.trunks)
        yield _gauge("rpc_connections", "WebSocket connections", self._rpc.connections())
        yield _counter("rpc_requests", "JSON-RPC requests", self._rpc.served())
        yield _counter("rpc_errors", "JSON-RPC requests that came out as an error", self._rpc.failed())


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"switchroom_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"switchroom_{name}", text, value)


def _trunks(trunks: list[TrunkFigures]) -> Iterable[Metric]:
    for name, text, kind in (
        ("up", "1 while the trunk can take calls, 0 while it is down", GaugeMetricFamily),
        ("channels", "Channels of the trunk; 0: no limit", GaugeMetricFamily),
        ("used", "Channels in use", GaugeMetricFamily),
        ("blocked", "Calls that found no channel", CounterMetricFamily),
        ("failed", "Calls out that came to nothing by the trunk's own fault", CounterMetricFamily),
    ):
        family = kind(f"switchroom_trunk_{name}", text, labels=["trunk"])
        for trunk in trunks:
            family.add_metric([trunk.name], float(getattr(trunk, name)))
        yield family


def _shards(shards: list[ShardFigures]) -> Iterable[Metric]:
    families: list[tuple[str, GaugeMetricFamily | CounterMetricFamily]] = [
        (field, CounterMetricFamily(f"switchroom_media_{field}", text, labels=["shard"]))
        for field, text in _SHARD_COUNTERS.items()
    ]
    families += [
        (field, GaugeMetricFamily(f"switchroom_media_{field}", text, labels=["shard"]))
        for field, text in _SHARD_GAUGES.items()
    ]
    for field, family in families:
        for index, shard in enumerate(shards):
            family.add_metric([str(index)], getattr(shard, field))
        yield family
    latest = GaugeMetricFamily("switchroom_media_max_late_seconds", "The latest slot so far", labels=["shard"])
    for index, shard in enumerate(shards):
        latest.add_metric([str(index)], shard.max_late_us / 1e6)
    yield latest
