# SPDX-License-Identifier: Apache-2.0
"""The facts that the exchange writes down: one frozen, typed record per fact, one file per area.

CDRs, statistics and audit are folds over these records, live and afterwards; nothing is counted anywhere else. A record
never changes its meaning: a new field gets a default, a changed fact gets a new tag.
"""

import msgspec

from switchroom.pbx.events.acd import (
    AgentOverdue,
    AgentReachable,
    AgentState,
    AgentStateSet,
    AgentStatus,
    AgentStatusSet,
    AgentWrappedUp,
    CallbackAsked,
    CallbackTried,
    OfferEnded,
    OfferJoined,
    OfferOutcome,
    QueueAbandoned,
    QueueAnswered,
    QueueChanged,
    QueueCompleted,
    QueueEntered,
    QueueLeft,
    QueueLine,
    QueueOffered,
    QueuePassed,
    QueueRefused,
    QueueWaits,
    Standing,
    SupervisorJoined,
    SupervisorLeft,
    SupervisorTookOver,
    WaitReason,
)
from switchroom.pbx.events.calls import (
    CallBlocked,
    CallBridged,
    CallEnded,
    CallResult,
    CallRouted,
    CallStarted,
    CallTransferred,
    CallUnbridged,
    EndedBy,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegResumed,
    LegRinging,
    LegStarted,
)
from switchroom.pbx.events.conferences import ConferenceChanged, ConferenceJoined, ConferenceLeft
from switchroom.pbx.events.ivr import CallRated, FlowEnded, FlowStarted, FlowStep, MessageLeft, PromptRecorded
from switchroom.pbx.events.media import LegTrouble, MediaGone, MediaLate
from switchroom.pbx.events.office import (
    CallerRefused,
    CallForwarded,
    CallParked,
    CallPickedUp,
    CallUnparked,
    ConfigChanged,
    DeskChanged,
    HoursSwitched,
    MailFailed,
    SeatTaken,
    VoicemailCounted,
    VoicemailLeft,
)
from switchroom.pbx.events.record import Record
from switchroom.pbx.events.recordings import (
    RecordingConverted,
    RecordingEnded,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
)
from switchroom.pbx.events.registrations import RegistrationAdded, RegistrationRemoved
from switchroom.pbx.events.security import SourceBanned, SourceUnbanned
from switchroom.pbx.events.system import OperatorCalled, RecordsLost, ServerStarted, ServerStopped
from switchroom.pbx.events.trunks import (
    NumberRerouted,
    TollRefused,
    TrunkChanged,
    TrunkDown,
    TrunkRegistered,
    TrunkTried,
    TrunkUp,
)

AnyRecord = (
    ServerStarted
    | ServerStopped
    | CallStarted
    | CallBlocked
    | CallRouted
    | LegStarted
    | LegRinging
    | LegAnswered
    | LegHeld
    | LegResumed
    | LegEnded
    | LegTrouble
    | MediaGone
    | MediaLate
    | CallBridged
    | CallUnbridged
    | CallTransferred
    | CallEnded
    | FlowStarted
    | FlowStep
    | FlowEnded
    | CallRated
    | MessageLeft
    | PromptRecorded
    | ConferenceChanged
    | ConferenceJoined
    | ConferenceLeft
    | RecordingStarted
    | RecordingPaused
    | RecordingResumed
    | RecordingEnded
    | RecordingConverted
    | RegistrationAdded
    | RegistrationRemoved
    | SourceBanned
    | SourceUnbanned
    | OperatorCalled
    | RecordsLost
    | VoicemailLeft
    | VoicemailCounted
    | MailFailed
    | DeskChanged
    | SeatTaken
    | CallForwarded
    | CallParked
    | CallUnparked
    | CallPickedUp
    | HoursSwitched
    | CallerRefused
    | ConfigChanged
    | QueueEntered
    | QueueRefused
    | QueueWaits
    | QueueOffered
    | OfferEnded
    | OfferJoined
    | QueueAnswered
    | QueueAbandoned
    | QueueLeft
    | QueueLine
    | QueuePassed
    | QueueCompleted
    | QueueChanged
    | AgentStatusSet
    | AgentStateSet
    | AgentReachable
    | AgentWrappedUp
    | AgentOverdue
    | CallbackAsked
    | CallbackTried
    | SupervisorJoined
    | SupervisorLeft
    | SupervisorTookOver
    | TrunkTried
    | TrunkUp
    | TrunkDown
    | TrunkRegistered
    | TrunkChanged
    | NumberRerouted
    | TollRefused
)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A record with its place in the journal."""

    number: int
    """Counts from 1. After a crash it leaves out the numbers that may have been told but were not yet kept."""
    at_ns: int
    """UTC, nanoseconds since 1970."""
    record: AnyRecord


__all__ = [
    "AgentOverdue",
    "AgentReachable",
    "AgentState",
    "AgentStateSet",
    "AgentStatus",
    "AgentStatusSet",
    "AgentWrappedUp",
    "AnyRecord",
    "CallBlocked",
    "CallBridged",
    "CallEnded",
    "CallForwarded",
    "CallParked",
    "CallPickedUp",
    "CallRated",
    "CallResult",
    "CallRouted",
    "CallStarted",
    "CallTransferred",
    "CallUnbridged",
    "CallUnparked",
    "CallbackAsked",
    "CallbackTried",
    "CallerRefused",
    "ConferenceChanged",
    "ConferenceJoined",
    "ConferenceLeft",
    "ConfigChanged",
    "DeskChanged",
    "EndedBy",
    "Entry",
    "FlowEnded",
    "FlowStarted",
    "FlowStep",
    "HoursSwitched",
    "LegAnswered",
    "LegEnded",
    "LegHeld",
    "LegResumed",
    "LegRinging",
    "LegStarted",
    "LegTrouble",
    "MailFailed",
    "MediaGone",
    "MediaLate",
    "MessageLeft",
    "NumberRerouted",
    "OfferEnded",
    "OfferJoined",
    "OfferOutcome",
    "OperatorCalled",
    "PromptRecorded",
    "QueueAbandoned",
    "QueueAnswered",
    "QueueChanged",
    "QueueCompleted",
    "QueueEntered",
    "QueueLeft",
    "QueueLine",
    "QueueOffered",
    "QueuePassed",
    "QueueRefused",
    "QueueWaits",
    "Record",
    "RecordingConverted",
    "RecordingEnded",
    "RecordingPaused",
    "RecordingResumed",
    "RecordingStarted",
    "RecordsLost",
    "RegistrationAdded",
    "RegistrationRemoved",
    "SeatTaken",
    "ServerStarted",
    "ServerStopped",
    "SourceBanned",
    "SourceUnbanned",
    "Standing",
    "SupervisorJoined",
    "SupervisorLeft",
    "SupervisorTookOver",
    "TollRefused",
    "TrunkChanged",
    "TrunkDown",
    "TrunkRegistered",
    "TrunkTried",
    "TrunkUp",
    "VoicemailCounted",
    "VoicemailLeft",
    "WaitReason",
]
