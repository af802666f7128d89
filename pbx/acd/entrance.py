# SPDX-License-Identifier: Apache-2.0
"""Who may enter a queue: its limits, and its rules of overflow for those who come."""

from switchroom.pbx.acd.decisions import Refusal
from switchroom.pbx.acd.model import Queue


def refusal(queue: Queue) -> Refusal | None:
    """Why a caller cannot enter now; None: it can."""
    config = queue.config
    if not config.open:
        return _refuse(queue, "closed", "closed")
    if config.max_calls and len(queue.callers) >= config.max_calls:
        return _refuse(queue, "lines", "full")
    if queue.waiting >= config.max_waiting:
        return _refuse(queue, "full", "full")
    if queue.rule("nobody") is not None and not queue.logged_in:
        return _refuse(queue, "nobody", "nobody")
    if (rule := queue.rule("estimate")) is not None:
        estimate_s = queue.estimate_s(queue.waiting + 1)
        if estimate_s is None or estimate_s > rule.above_s:
            return _refuse(queue, "estimate", "estimate")
    rule = queue.rule("service-level")
    if rule is not None and not queue.counts["ready"] and queue.service_level() < rule.below:
        return _refuse(queue, "service-level", "service-level")
    return None


def _refuse(queue: Queue, reason: str, occasion: str) -> Refusal:
    rule = queue.rule(occasion)
    return Refusal(reason, rule.to if rule is not None else "")
