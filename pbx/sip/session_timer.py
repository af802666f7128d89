# SPDX-License-Identifier: Apache-2.0
"""Session timers (RFC 4028): a session that nobody refreshes in time is over, so that no dead call stays.

One of the two ends, the refresher, sends an UPDATE or re-INVITE at half the interval; the other ends the session when
none came. A `SessionTimer` is one session's, made only where both ends want it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from switchroom.pbx.sip.header import parse_number, parse_params
from switchroom.pbx.sip.message import Headers, Message, Request, Response
from switchroom.pbx.sip.timers import Timer

if TYPE_CHECKING:
    from switchroom.pbx.sip.session import Session

Role = Literal["uac", "uas"]

DEFAULT_MIN_S = 90
"""Section 5: what Min-SE is where nobody names one."""
MAX_S = 86_400
FLOOR_S = 10
"""A peer that answers with less, though our Min-SE forbids it, cannot make us refresh more often than that."""
RETRY_S = 5.0
"""After a refresh that the peer could not take just now."""


@dataclass(frozen=True, slots=True)
class TimerRules:
    """How long sessions are to live without a refresh, in whole seconds."""

    expires_s: int = 1800
    """What we ask for, and the most that we grant; 0: none of our own wish, and any length is granted."""
    min_s: int = DEFAULT_MIN_S
    """Less is refused with 422."""
    refresher: Literal["us", "them"] = "them"
    """Who is to refresh where the peer leaves it to us."""


def too_brief(request: Request, rules: TimerRules | None) -> Headers | None:
    """The headers of a 422, where a request wants its session refreshed more often than we do (section 9)."""
    if rules is None or "session-expires" not in request.headers:
        return None
    wanted, _ = read(request)
    if wanted is not None and wanted < rules.min_s and "timer" in request.tokens("supported"):
        return {"min-se": [str(rules.min_s)]}
    return None


def read(message: Message) -> tuple[int | None, Role | None]:
    """Interval and refresher of a Session-Expires; None for what is absent or cannot be read."""
    text = message.get("session-expires")
    if text is None:
        return None, None
    number, _, params = text.partition(";")
    role = parse_params(f";{params}").get("refresher") if params else None
    role = role.lower() if role else None
    return parse_number(number.strip(), 2**32), "uac" if role == "uac" else "uas" if role == "uas" else None


def min_se(message: Message) -> int:
    """The Min-SE of a message, or what it is without one."""
    text = (message.get("min-se") or "").partition(";")[0].strip()
    return min(parse_number(text, 2**32) or DEFAULT_MIN_S, MAX_S)


def wish(rules: TimerRules) -> Headers:
    """The headers of an INVITE of ours that begins a session."""
    if not rules.expires_s:
        return {}
    role = ";refresher=uac" if rules.refresher == "us" else ""
    headers = {"session-expires": [f"{max(rules.expires_s, rules.min_s)}{role}"]}
    if rules.min_s != DEFAULT_MIN_S:
        headers["min-se"] = [str(rules.min_s)]
    return headers


def longer(request: Request, response: Response) -> Headers | None:
    """What to change in a request that was refused with 422 (section 7.4); None where trying again is no use."""
    least, (wanted, role) = min_se(response), read(request)
    if "min-se" not in response.headers or wanted is None or least <= wanted:
        return None
    return {"session-expires": [f"{least}{f';refresher={role}' if role else ''}"], "min-se": [str(least)]}


def answer(session: "Session", request: Request, rules: TimerRules | None) -> Headers:
    """Start, restart or end the timer of a session by a request that we accept; the headers of the 2xx."""
    timer = session.timer
    if rules is None:
        return {}
    wanted, role = (None, None) if "session-expires" not in request.headers else read(request)
    supports = "timer" in request.tokens("supported")
    if wanted is None and not (supports and rules.expires_s):
        if timer is not None:  # section 9: a refresh without it switches it off
            timer.stop()
            session.timer = None
        return {}
    if wanted is not None and wanted < rules.min_s:  # by a proxy, for a caller that knows no timers
        return {}
    least = max(rules.min_s, min_se(request))
    most = max(rules.expires_s or MAX_S, least)
    interval_s = min(wanted, most) if wanted is not None else most
    if not supports:
        role = "uas"
    elif role is None:
        role = "uas" if rules.refresher == "us" else "uac"
    if timer is None:
        timer = session.timer = SessionTimer(session)
    timer.start(interval_s, least, we_refresh=role == "uas")
    headers = {"session-expires": [f"{interval_s};refresher={role}"]}
    if role == "uac":
        headers["require"] = ["timer"]
    return headers


def answered(session: "Session", request: Request, response: Response) -> None:
    """Start or end the timer of a session by the 2xx to a request of ours (section 7.2)."""
    if "session-expires" not in response.headers:
        if session.timer is not None:
            session.timer.stop()
            session.timer = None
        return
    interval_s, role = read(response)
    if interval_s is None:
        return
    if session.timer is None:
        session.timer = SessionTimer(session)
    least = max(min_se(request), min_se(response) if "min-se" in response.headers else 0)
    interval_s = max(interval_s, min(min_se(request), FLOOR_S))
    session.timer.start(min(interval_s, MAX_S), least, we_refresh=role != "uas")


class SessionTimer:
    """The running timer of one session."""

    __slots__ = ("_deadline_s", "_interval_s", "_min_s", "_session", "_timer", "_we_refresh")

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._timer: Timer | None = None
        self._interval_s = 0
        self._min_s = DEFAULT_MIN_S
        self._we_refresh = False
        self._deadline_s = 0.0

    def start(self, interval_s: int, min_s: int, we_refresh: bool) -> None:
        """The session was begun or refreshed just now."""
        self._interval_s, self._min_s, self._we_refresh = interval_s, min_s, we_refresh
        # Section 10: the BYE goes out a little before, so that it is not beaten by the peer's.
        lives_s = interval_s - min(32, interval_s / 3)
        self._deadline_s = self._session.agent.timers.clock() + lives_s
        self._set(interval_s / 2 if we_refresh else lives_s)

    def stop(self) -> None:
        """The session is over, or goes on without a timer. Idempotent."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def request_headers(self) -> Headers:
        """What a re-INVITE or UPDATE of ours says (section 7.4)."""
        role = "uac" if self._we_refresh else "uas"
        headers = {"session-expires": [f"{self._interval_s};refresher={role}"]}
        if self._min_s != DEFAULT_MIN_S:
            headers["min-se"] = [str(self._min_s)]
        return headers

    def refused(self, response: Response) -> None:
        """A refresh of ours was refused: try again, longer where 422 says so, until the session expires."""
        if response.status == 422 and (least := min_se(response)) > self._interval_s:
            self._interval_s = self._min_s = least
            self._session.refresh()
        else:
            self.retry()

    def retry(self) -> None:
        """A refresh was not possible just now."""
        left_s = self._deadline_s - self._session.agent.timers.clock()
        self._set(min(RETRY_S, max(left_s, 0.0)))

    def _set(self, delay_s: float) -> None:
        self.stop()
        if delay_s > 10:  # a peer chooses the interval: few different durations are cheap (timers.py)
            delay_s = float(int(delay_s))
        self._timer = self._session.agent.timers.start(delay_s, SessionTimer._due, self)

    def _due(self) -> None:
        if self._session.agent.timers.clock() >= self._deadline_s - 0.01 or not self._we_refresh:
            self._session.expire()
        else:
            self._set(max(self._deadline_s - self._session.agent.timers.clock(), 0.0))
            self._session.refresh()


def update(session: "Session", headers: Headers) -> None:
    """Send an UPDATE without an offer; it refreshes the session's timer too, where there is one."""
    if session.timer is not None:
        headers = {"supported": [session.agent.supported], **session.timer.request_headers(), **headers}
    session.send_request("UPDATE", headers)
