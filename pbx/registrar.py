# SPDX-License-Identifier: Apache-2.0
"""Where users' phones are: REGISTER (RFC 3261 section 10.3) with Path (RFC 3327), and the bindings it leaves.

A binding keeps the flow on which it was made, so that a phone behind a NAT is reached the way it came. A refused
REGISTER changes nothing. Bindings are written to the store behind the answer and survive a restart.
"""

import asyncio
import contextlib
import heapq
from collections.abc import Callable

import msgspec

from switchroom.pbx.config import Limits
from switchroom.pbx.events import AnyRecord, RegistrationAdded, RegistrationRemoved
from switchroom.pbx.sip.errors import SipError
from switchroom.pbx.sip.flow import Flow
from switchroom.pbx.sip.header import NameAddr, format_params, parse_number
from switchroom.pbx.sip.message import Headers, Request
from switchroom.pbx.sip.uri import Uri, parse_uri
from switchroom.pbx.storage.base import BindingStore, StoredBinding, StoreError

SAVE_S = 0.1
SWEEP_S = 1.0
MAX_CONTACT_BYTES = 1024


class Binding(msgspec.Struct, frozen=True):
    """One contact of a user."""

    user: str
    contact: str
    """The Contact URI, as the phone wrote it."""
    flow: Flow
    call_id: str
    cseq: int
    expires_at_s: float
    """UTC, seconds since 1970."""
    q: float = 1.0
    params: dict[str, str | None] = {}
    """Other parameters of the Contact, such as +sip.instance."""
    path: tuple[str, ...] = ()
    user_agent: str = ""
    behind_nat: bool = False
    """The phone names an address in Contact from which it does not come."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of registrations; seconds and counts."""

    min_expires_s: int = 60
    default_expires_s: int = 600
    max_expires_s: int = 3600
    per_user: int = 10
    per_source: int = 1000


class Registrar:
    """All bindings. `users` says who may have some, and how many (0: as the rules say); `now` is UTC in seconds."""

    def __init__(
        self,
        users: dict[str, int],
        rules: Rules,
        store: BindingStore,
        write: Callable[[AnyRecord], object],
        now: Callable[[], float],
    ) -> None:
        self._users = users
        self._rules = rules
        self._store = store
        self._write = write
        self._now = now
        self._bindings: dict[str, dict[str, Binding]] = {}
        self._per_source: dict[str, int] = {}
        self._expiries: list[tuple[float, str, str]] = []
        self._dirty: dict[tuple[str, str], Binding | None] = {}
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    def apply(self, users: dict[str, int], limits: Limits) -> None:
        """New users and limits; phones of users that are no more are forgotten as their registrations run out."""
        self._users = users
        self._rules = msgspec.structs.replace(
            self._rules, per_user=limits.registrations_per_user, per_source=limits.registrations_per_source
        )

    async def load(self) -> None:
        """Take over what the last run left, and keep the store up to date from now on. Raises StoreError."""
        for stored in await self._store.load():
            binding = _DECODER.decode(stored.data)
            if binding.expires_at_s > self._now() and binding.user in self._users:
                self._put(binding)
            else:
                self._mark(stored.user, stored.contact, None)
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._save()

    def knows(self, user: str) -> bool:
        """Whether there is such a user, registered or not."""
        return user in self._users

    def lookup(self, user: str) -> list[Binding]:
        """Where a user can be reached now, best q first."""
        now_s = self._now()
        live = [b for b in self._bindings.get(user, {}).values() if b.expires_at_s > now_s]
        return sorted(live, key=lambda binding: -binding.q)

    def all(self) -> list[Binding]:
        """Every binding that is in force."""
        now_s = self._now()
        return [b for contacts in self._bindings.values() for b in contacts.values() if b.expires_at_s > now_s]

    def has_source(self, host: str) -> bool:
        """Whether a telephone is registered from this address."""
        return host in self._per_source

    def uses(self, flow: Flow) -> bool:
        """Whether a phone is reached by this flow."""
        return any(binding.flow == flow for binding in self.all())

    def flow_lost(self, flow: Flow) -> None:
        """A connection ended. A browser cannot be called back, so it is gone until it registers anew (RFC 7118)."""
        if flow.transport in ("WS", "WSS"):
            for binding in [binding for binding in self.all() if binding.flow == flow]:
                self._drop(binding, "lost")

    def register(self, user: str, request: Request, flow: Flow) -> Headers:
        """Serve a REGISTER of an authenticated user; returns the headers of the 200.

        Raises SipError: 400 for what cannot be read, 403 at a limit, 423 (IntervalTooBrief) for a life too short, 500
        for a request out of order.
        """
        contacts = request.contacts()
        if any(contact.uri == "*" for contact in contacts):
            self._remove_all(user, request, contacts)
        elif contacts:
            self._update(user, request, contacts, flow)
        return {"contact": [self._describe(binding) for binding in self.lookup(user)]}

    def sweep(self) -> None:
        """Drop what has expired."""
        now_s = self._now()
        while self._expiries and self._expiries[0][0] <= now_s:
            _, user, contact = heapq.heappop(self._expiries)
            binding = self._bindings.get(user, {}).get(contact)
            if binding is not None and binding.expires_at_s <= now_s:
                self._drop(binding, "expired")

    # ---- a REGISTER

    def _remove_all(self, user: str, request: Request, contacts: list[NameAddr]) -> None:
        if len(contacts) != 1 or request.get("expires") != "0":  # section 10.3 step 6
            raise SipError(400, "Contact * needs Expires 0 and no other Contact")
        for binding in list(self._bindings.get(user, {}).values()):
            self._check_order(binding, request)
        for binding in list(self._bindings.get(user, {}).values()):
            self._drop(binding, "unregistered")

    def _update(self, user: str, request: Request, contacts: list[NameAddr], flow: Flow) -> None:
        current = self._bindings.get(user, {})
        wanted: dict[str, Binding | None] = {}
        for contact in contacts:
            uri = parse_uri(contact.uri)
            if uri.scheme not in ("sip", "sips") or len(contact.uri) > MAX_CONTACT_BYTES:
                raise SipError(400, "a Contact must be a SIP URI")
            expires_s = self._expires(contact, request)
            old = self._same(current, contact, uri)
            if old is not None:
                self._check_order(old, request)
                wanted[old.contact] = None
            if expires_s > 0:
                wanted[contact.uri] = self._make(user, contact, uri, request, flow, expires_s)
        self._check_limits(user, current, wanted, flow)
        for key, binding in wanted.items():
            old = current.get(key)
            if binding is not None:
                if old is not None:
                    self._count(old.flow, -1)
                self._put(binding)
                self._mark(user, key, binding)
                self._write(
                    RegistrationAdded(
                        user=user, contact=key, source=f"{flow.remote[0]}:{flow.remote[1]}",
                        expires_s=round(binding.expires_at_s - self._now()), user_agent=binding.user_agent,
                    )
                )  # fmt: skip
            elif old is not None:
                gone = "replaced" if any(wanted.values()) else "unregistered"
                self._drop(old, gone)

    def _expires(self, contact: NameAddr, request: Request) -> int:
        text = contact.params.get("expires") or request.get("expires")
        expires_s = self._rules.default_expires_s
        if text is not None:
            number = parse_number(text, 2**32 - 1)
            expires_s = 3600 if number is None else number  # section 10.2.1.1: what cannot be read counts as 3600
        if 0 < expires_s < self._rules.min_expires_s:
            raise IntervalTooBrief(self._rules.min_expires_s)
        return min(expires_s, self._rules.max_expires_s)

    @staticmethod
    def _same(current: dict[str, Binding], contact: NameAddr, uri: Uri) -> Binding | None:
        """The binding that a Contact renews: by instance (RFC 5626) where both name one, else by its URI."""
        instance = contact.params.get("+sip.instance")
        for binding in current.values():
            if instance and binding.params.get("+sip.instance") == instance:
                if binding.params.get("reg-id") == contact.params.get("reg-id"):
                    return binding
            elif binding.contact == contact.uri or parse_uri(binding.contact).equivalent(uri):
                return binding
        return None

    @staticmethod
    def _check_order(binding: Binding, request: Request) -> None:
        """Section 10.3 step 7: within one Call-ID, only a higher CSeq may change a binding."""
        if binding.call_id == request.call_id and request.cseq.number <= binding.cseq:
            raise SipError(500, "REGISTER out of order")

    def _check_limits(
        self, user: str, current: dict[str, Binding], wanted: dict[str, Binding | None], flow: Flow
    ) -> None:
        left = {**dict.fromkeys(current, True), **{key: binding is not None for key, binding in wanted.items()}}
        if sum(left.values()) > (self._users[user] or self._rules.per_user):
            raise SipError(403, "Too many contacts")
        added = sum(binding is not None and key not in current for key, binding in wanted.items())
        if added and self._per_source.get(flow.remote[0], 0) + added > self._rules.per_source:
            raise SipError(403, "Too many registrations from this address")

    def _make(self, user: str, contact: NameAddr, uri: Uri, request: Request, flow: Flow, expires_s: int) -> Binding:
        params = {name: value for name, value in contact.params.items() if name not in ("expires", "q")}
        return Binding(
            user=user,
            contact=contact.uri,
            flow=flow,
            call_id=request.call_id,
            cseq=request.cseq.number,
            expires_at_s=self._now() + expires_s,
            q=_quality(contact.params.get("q")),
            params=params,
            path=tuple(request.all("path")),
            user_agent=(request.get("user-agent") or "")[:200],
            behind_nat=flow.reliable or uri.address != flow.remote,
        )

    def _describe(self, binding: Binding) -> str:
        left_s = max(1, round(binding.expires_at_s - self._now()))
        params = {**binding.params, "expires": str(left_s)}
        if binding.q != 1.0:
            params["q"] = f"{binding.q:g}"
        return f"<{binding.contact}>{format_params(params)}"

    # ---- keeping them

    def _put(self, binding: Binding) -> None:
        self._bindings.setdefault(binding.user, {})[binding.contact] = binding
        self._count(binding.flow, 1)
        heapq.heappush(self._expiries, (binding.expires_at_s, binding.user, binding.contact))
        if len(self._expiries) > 1000 and len(self._expiries) > 4 * sum(map(len, self._bindings.values())):
            # Renewals leave their old entries behind; a phone that renews each minute must not fill the memory.
            self._expiries = [(b.expires_at_s, b.user, b.contact) for c in self._bindings.values() for b in c.values()]
            heapq.heapify(self._expiries)

    def _drop(self, binding: Binding, reason: str) -> None:
        contacts = self._bindings[binding.user]
        del contacts[binding.contact]
        if not contacts:
            del self._bindings[binding.user]
        self._count(binding.flow, -1)
        self._mark(binding.user, binding.contact, None)
        self._write(RegistrationRemoved(user=binding.user, contact=binding.contact, reason=reason))  # type: ignore[arg-type]

    def _count(self, flow: Flow, change: int) -> None:
        host = flow.remote[0]
        left = self._per_source.get(host, 0) + change
        if left > 0:
            self._per_source[host] = left
        else:
            self._per_source.pop(host, None)

    def _mark(self, user: str, contact: str, binding: Binding | None) -> None:
        """A binding is to be written, or taken out of the store."""
        self._dirty[user, contact] = binding
        self._changed.set()

    async def _keep(self) -> None:
        """Sweep each second, and write changes soon after they were made."""
        loop = asyncio.get_running_loop()
        sweep_at_s = loop.time() + SWEEP_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(sweep_at_s):
                    await self._changed.wait()
            if self._changed.is_set():
                await asyncio.sleep(SAVE_S)  # what changes meanwhile goes with it
                self._changed.clear()
                try:
                    await self._save()
                except StoreError:  # a full disk must not end this task: the next attempt may do
                    self._changed.set()
            if loop.time() >= sweep_at_s:
                sweep_at_s = loop.time() + SWEEP_S
                self.sweep()

    async def _save(self) -> None:
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        kept = [StoredBinding(b.user, b.contact, _ENCODER.encode(b)) for b in dirty.values() if b is not None]
        try:
            await self._store.save(kept, [key for key, b in dirty.items() if b is None])
        except BaseException:  # being cancelled in the midst of it as well
            self._dirty = {**dirty, **self._dirty}  # nothing is lost: it goes with the next attempt
            raise


class IntervalTooBrief(SipError):
    """423: the registration asked for is too short."""

    def __init__(self, min_expires_s: int) -> None:
        super().__init__(423, "Interval Too Brief")
        self.headers: Headers = {"min-expires": [str(min_expires_s)]}


def _quality(text: str | None) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 1.0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Binding)
