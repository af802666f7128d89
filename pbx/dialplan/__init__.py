# SPDX-License-Identifier: Apache-2.0
"""The dial plan: patterns of numbers, destinations, time conditions, and the rules that join them."""

from switchroom.pbx.dialplan.destination import KINDS, Destination
from switchroom.pbx.dialplan.pattern import Pattern
from switchroom.pbx.dialplan.plan import ALWAYS, Candidate, DialPlan, Route, Rule, UnknownContext
from switchroom.pbx.dialplan.times import Clockwork, Condition, Hours, Span, Switches, SwitchState, Zone

__all__ = [
    "ALWAYS",
    "KINDS",
    "Candidate",
    "Clockwork",
    "Condition",
    "Destination",
    "DialPlan",
    "Hours",
    "Pattern",
    "Route",
    "Rule",
    "Span",
    "SwitchState",
    "Switches",
    "UnknownContext",
    "Zone",
]
