# SPDX-License-Identifier: Apache-2.0
"""The configuration: a TOML file becomes one frozen `Config`, or a list of everything that is wrong with it.

The docstring under each field is its documentation; docs/configuration.md shows the same keys in a file.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, field

from switchroom.ivr.config import IvrConfig, SpeechConfig
from switchroom.media.config import MediaConfig as MediaSettings
from switchroom.pbx import config_rules
from switchroom.pbx.acd import config as acd_config
from switchroom.pbx.config_conference import ConferenceRoom
from switchroom.pbx.config_office import Blacklist, Desk, Features, Group, Parking
from switchroom.pbx.config_paths import with_absolute_paths
from switchroom.pbx.config_reader import Mistake, Reader
from switchroom.pbx.config_recording import Music, RecordingConfig
from switchroom.pbx.config_security import SecurityConfig
from switchroom.pbx.config_storage import StorageConfig
from switchroom.pbx.config_tls import TlsConfig
from switchroom.pbx.config_values import Endpoint, Listener, NameServer, Network, Secret
from switchroom.pbx.config_voicemail import MailConfig, VoicemailConfig
from switchroom.pbx.dialplan import DialPlan, Hours, Rule, UnknownContext
from switchroom.pbx.errors import SwitchroomError
from switchroom.pbx.trunks.config import Carrier, TrunkConfig
from switchroom.pbx.trunks.outside import Outside
from switchroom.pbx.trunks.profiles import profile

Count = Annotated[int, Meta(ge=1)]
CountOrNone = Annotated[int, Meta(ge=0)]
Milliseconds = Annotated[int, Meta(ge=1, le=600_000)]
Seconds = Annotated[float, Meta(gt=0)]
SecondsOrNone = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(pattern=r"^[^\s@:;<>\"]+$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Codec = Literal["PCMU", "PCMA", "G722", "G729", "L16/8000", "L16/16000"]
Role = Literal["observer", "agent", "integrator", "supervisor", "operator", "admin"]
"""`observer` reads; `agent` acts for one user; `integrator` reads and begins calls; `supervisor` also leads agents;
`operator` and `admin` do everything."""


class ConfigError(SwitchroomError):
    """The file cannot be used; `mistakes` says all that is wrong with it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all sections."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """(key, reason) for each rule between keys of the section that is broken."""
        return iter(())


def _hexadecimal(key: str, secret: Secret, length: int) -> Iterator[tuple[str, str]]:
    if secret and not re.fullmatch(f"[0-9a-fA-F]{{{length}}}", secret.reveal()):
        yield key, f"expected {length} hexadecimal digits"


class ServerConfig(Section, frozen=True):
    """[server]: the process."""

    name: str = "switchroom"
    """What the exchange calls itself in Server and User-Agent headers."""
    data_dir: str = "data"
    """Where journal and registrations are kept; relative to the folder of the configuration file."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"
    drain_s: SecondsOrNone = 30.0
    """How long running calls may go on after SIGTERM."""


class SipConfig(Section, frozen=True):
    """[sip]: listeners, timers and limits of the signalling."""

    listen: tuple[Listener, ...] = (
        Listener("udp", "127.0.0.1", 5060),
        Listener("tcp", "127.0.0.1", 5060),
    )
    """`transport:address:port`, transport udp, tcp, tls, ws or wss."""
    address: str = ""
    """The host that Via and Contact show; empty: that of the listener. Needed behind NAT and with 0.0.0.0."""
    address6: str = ""
    """The same over IPv6, where `address` is an IPv4 address; needed with `::`."""
    domains: tuple[str, ...] = ()
    """Names, beside our own addresses, for which requests are ours."""
    dns: tuple[NameServer, ...] = ()
    """DNS servers, `address` or `address:port`; none: those of the system."""
    realm: str = "switchroom"
    """The realm of digest authentication; users whose `ha1` is given were made for one realm."""
    digest: tuple[Literal["SHA-256", "MD5"], ...] = ("SHA-256", "MD5")
    """Algorithms of the challenges, the preferred one first."""
    md5_only: tuple[str, ...] = ("baresip v0.", "baresip v1.")
    """User agents, by the beginning of their name, that give up when they are asked for SHA-256 beside MD5."""
    nonce_lifetime_s: Seconds = 300.0
    t1_ms: Milliseconds = 500
    """RFC 3261 table 4: the round-trip time estimate, and with it all other timers."""
    t2_ms: Milliseconds = 4000
    t4_ms: Milliseconds = 5000
    no_answer_s: Seconds = 60.0
    """How long a called phone rings."""
    max_session_s: SecondsOrNone = 14_400.0
    """A call is ended after so long; 0: never."""
    session_expires_s: Annotated[int, Meta(ge=0, le=86_400)] = 1800
    """Session timers (RFC 4028): a call whose other end does not say so often that it lives is ended; 0: only where the
    other end asks for it."""
    min_se_s: Annotated[int, Meta(ge=1, le=86_400)] = 90
    """Who wants to refresh a session more often is refused (422); below 90 only for tests."""
    session_refresher: Literal["us", "them"] = "them"
    """Who refreshes, where the other end leaves it open."""
    min_expires_s: Count = 60
    default_expires_s: Count = 600
    max_expires_s: Count = 3600
    """Bounds of a registration's life."""
    max_message_bytes: Annotated[int, Meta(ge=1500, le=1_048_576)] = 65_535
    """A longer message is refused, and its TCP connection closed."""
    tcp_connections: Count = 4000
    tcp_connections_per_source: Count = 100
    tcp_idle_s: Seconds = 600.0
    """A TCP connection over which nothing came for so long is closed, unless a registration or a call uses it."""
    tcp_message_s: Seconds = 10.0
    """A message that began must be complete after so long."""
    connected_line: tuple[Literal["users", "trusted"], ...] = ()
    """Who is told, by P-Asserted-Identity and Remote-Party-ID, whom it talks to: at the answer, and after a transfer or
    pickup by UPDATE or re-INVITE. Phones of users, and trusted peers and trunks."""
    trace: bool = False
    """Log every SIP message; calls, users and numbers can also be traced one by one while the exchange runs."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not self.listen:
            yield "listen", "needs at least one listener"
        if len(set(self.listen)) < len(self.listen):
            yield "listen", "the same listener stands there twice"
        bound_to = {listener.host for listener in self.listen}
        if not self.address and ("0.0.0.0" in bound_to or ("::" in bound_to and not self.address6)):
            yield "address", "is needed when a listener is bound to all addresses: phones must be told one of them"
        elif "::" in bound_to and not self.address6 and re.fullmatch(r"[\d.]+", self.address):
            yield "address6", "is needed when a listener is bound to ::, because `address` is an IPv4 address"
        if self.address6 and ":" not in self.address6:
            yield "address6", "expected an IPv6 address"
        if self.t2_ms < self.t1_ms:
            yield "t2_ms", f"must not be less than t1_ms ({self.t1_ms})"
        if 0 < self.session_expires_s < self.min_se_s:
            yield "session_expires_s", f"must not be less than min_se_s ({self.min_se_s})"
        if not self.min_expires_s <= self.default_expires_s <= self.max_expires_s:
            yield "default_expires_s", "must lie between min_expires_s and max_expires_s"


class MediaConfig(MediaSettings, frozen=True, kw_only=True):
    """[media]: addresses, ports and codecs of the audio; the keys are those of media/config.py."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.ports[1] - self.ports[0] < 3:
            yield "ports", "first and last port must leave room for RTP and RTCP of two legs"
        if self.address6 and (":" in self.address or ":" not in self.address6):
            yield "address6", "is the IPv6 address beside the IPv4 one in `address`"
        elif self.address6 and self.bind not in (None, "::"):
            yield "bind", "must be :: (or absent) with address6: one socket serves both families"
        for codec in self.codecs:
            if codec not in get_args(Codec):
                yield "codecs", f"{codec!r} is none of {', '.join(get_args(Codec))}"


class Limits(Section, frozen=True):
    """[limits]: what the exchange refuses (503 with Retry-After, 403 for registrations) so that it keeps serving."""

    calls: Count = 2000
    """Calls at one time."""
    calls_per_user: Count = 10
    """Calls at one time of one user; a user's own `max_calls` replaces it."""
    calls_per_second: Count = 500
    calls_per_second_per_source: Count = 500
    """New calls from one address."""
    requests_per_second_per_source: Count = 5000
    """More requests than this from one address are dropped unread."""
    registrations_per_user: Count = 10
    """Contacts of one user; a user's own `max_contacts` replaces it."""
    registrations_per_source: Count = 1000
    """Contacts registered from one address."""
    rtp_silence: Literal["hang-up", "ignore"] = "hang-up"
    """What becomes of an answered call when a party's audio stays away, though it is not on hold."""
    rtp_silence_s: Seconds = 30.0


class User(Desk, frozen=True, kw_only=True):
    """[[user]]: somebody whose phones register and call. One of `password`, `ha1` and `ha1_sha256` is needed.

    The keys of a Desk are what the user finds set, until he changes it.
    """

    name: Name
    """Also the number, unless the dial plan says otherwise."""
    password: Secret = Secret()
    ha1: Secret = Secret()
    """MD5 of `name:realm:password`, in hexadecimal."""
    ha1_sha256: Secret = Secret()
    """SHA-256 of the same."""
    display_name: str = ""
    context: str = "default"
    """The list of the dial plan that this user's calls go through."""
    codecs: tuple[Codec, ...] = ()
    """Offered to this user's phones, by preference; empty: those of [media]."""
    srtp: Literal["", "off", "optional", "required"] = ""
    """Encrypted audio; empty: as [media] says."""
    require_tls: bool = False
    """Registers and calls over TLS or secure WebSocket only."""
    dtmf: Literal["auto", "in-band", "info"] = "auto"
    """How keys are sent there; `auto`: telephone-event where it is negotiated, else as tones."""
    comfort_noise: bool = False
    """Silence goes there as comfort noise (RFC 3389), where that is agreed, rather than as audio."""
    max_contacts: CountOrNone = 0
    max_calls: CountOrNone = 0
    """0: as [limits] says."""
    mailbox: bool = False
    """Whether callers may leave messages."""
    pin: Secret = Secret()
    """Opens the mailbox from other phones, and moves the number to them: 4 to 12 digits."""
    email: str = ""
    """Where new messages are sent to."""
    outside: Outside = Outside()
    """What the user may call by trunks, and how much of it."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not (self.password or self.ha1 or self.ha1_sha256):
            yield "password", "is missing (or ha1, or ha1_sha256)"
        yield from _hexadecimal("ha1", self.ha1, 32)
        yield from _hexadecimal("ha1_sha256", self.ha1_sha256, 64)
        if self.pin and not re.fullmatch(r"\d{4,12}", self.pin.reveal()):
            yield "pin", "expected 4 to 12 digits"
        if self.email and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", self.email):
            yield "email", "expected name@host"


class Peer(Section, frozen=True):
    """[[peer]]: a trunk, gateway or other exchange; known by its address, so its calls need no digest."""

    name: Name
    addresses: tuple[Network, ...]
    """IP addresses and CIDR ranges."""
    context: str = "default"
    codecs: tuple[Codec, ...] = ()
    srtp: Literal["", "off", "optional", "required"] = ""
    """Encrypted audio; empty: as [media] says."""
    dtmf: Literal["auto", "in-band", "info"] = "auto"
    """How keys are sent there; `auto`: telephone-event where it is negotiated, else as tones."""
    comfort_noise: bool = False
    """Silence goes there as comfort noise (RFC 3389), where that is agreed, rather than as audio."""
    max_calls: CountOrNone = 0
    """0: no limit of its own."""
    trusted: bool = False
    """Belongs to our trust domain (RFC 3325): what it says of identities is believed, and it is told ours."""
    min_se_s: Annotated[int, Meta(ge=0, le=86_400)] = 0
    """In place of that of [sip]."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if not self.addresses:
            yield "addresses", "needs at least one address"


class Token(Section, frozen=True):
    """One of [rpc] `tokens`: who may use the operators' interface. One of `token` and `token_sha256` is needed."""

    name: Name
    """Stands in the audit records."""
    token: Secret = Secret()
    token_sha256: Secret = Secret()
    """The SHA-256 of the token, in hexadecimal, so that the file need not show it."""
    role: Role = "operator"
    user: str = ""
    """The user or agent for whom it acts; needed for an agent."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if bool(self.token) == bool(self.token_sha256):
            yield "token", "give either token or token_sha256"
        if self.role == "agent" and not self.user:
            yield "user", "is missing: an agent's token acts for one user"
        if self.token and len(self.token.reveal()) < 8:
            yield "token", "is shorter than 8 characters"
        yield from _hexadecimal("token_sha256", self.token_sha256, 64)


class RpcConfig(Section, frozen=True):
    """[rpc]: the operators' interface: JSON-RPC, metrics, health."""

    enabled: bool = True
    listen: Endpoint = Endpoint("127.0.0.1", 8080)
    tokens: tuple[Token, ...] = ()
    """Without any, whoever reaches the port is an operator; so that is allowed on loopback only."""
    max_request_bytes: Annotated[int, Meta(ge=1024, le=67_108_864)] = 1_048_576
    max_connections: Count = 200
    """WebSocket connections at one time."""
    max_subscriptions: Count = 20
    """Event subscriptions of one connection."""

    def mistakes(self) -> Iterator[tuple[str, str]]:
        if self.enabled and not self.tokens and not self.listen.loopback:
            yield "tokens", f"are needed, because {self.listen} can be reached from other machines"


class JournalConfig(Section, frozen=True):
    """[journal]: how facts are kept."""

    batch_ms: Annotated[int, Meta(ge=1, le=10_000)] = 250
    """What a killed process may lose."""
    batch_records: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    max_pending: Annotated[int, Meta(ge=1000)] = 200_000
    """Records waiting for a slow disk; more are dropped, and the loss is itself recorded."""
    sync: Literal["normal", "full"] = "normal"
    """`normal`: a killed process loses at most a batch, a power cut some seconds; `full`: fsync per batch."""
    keep_days: CountOrNone = 0
    """Older records are deleted; 0: never. CDRs stay."""


class Config(Section, frozen=True):
    """A whole configuration file."""

    server: ServerConfig = ServerConfig()
    sip: SipConfig = SipConfig()
    tls: TlsConfig = TlsConfig()
    security: SecurityConfig = SecurityConfig()
    media: MediaConfig = MediaConfig()
    limits: Limits = Limits()
    users: tuple[User, ...] = field(default=(), name="user")
    peers: tuple[Peer, ...] = field(default=(), name="peer")
    trunks: tuple[TrunkConfig, ...] = field(default=(), name="trunk")
    routes: dict[str, tuple[Carrier, ...]] = field(default_factory=dict)
    """[routes]: lists of trunks, for calls to the outside."""
    dial_plan: dict[str, tuple[Rule, ...]] = field(default_factory=lambda: {"default": ()})
    """[dial_plan]: one list of rules per context."""
    recording: RecordingConfig = RecordingConfig()
    music: dict[str, Music] = field(default_factory=dict)
    """[music.NAME]: classes of music on hold."""
    times: dict[str, Hours] = field(default_factory=dict)
    """[times.NAME]: hours that rules name in `when`."""
    groups: dict[str, Group] = field(default_factory=dict, name="group")
    conferences: dict[str, ConferenceRoom] = field(default_factory=dict, name="conference")
    """[conference.NAME]: rooms."""
    features: Features = Features()
    parking: Parking = Parking()
    blacklist: Blacklist = Blacklist()
    voicemail: VoicemailConfig = VoicemailConfig()
    mail: MailConfig = MailConfig()
    acd: acd_config.AcdConfig = acd_config.AcdConfig()
    queues: dict[str, acd_config.QueueConfig] = field(default_factory=dict, name="queue")
    agents: tuple[acd_config.AgentConfig, ...] = field(default=(), name="agent")
    teams: tuple[acd_config.TeamConfig, ...] = field(default=(), name="team")
    ivr: IvrConfig = IvrConfig()
    speech: SpeechConfig = SpeechConfig()
    rpc: RpcConfig = RpcConfig()
    journal: JournalConfig = JournalConfig()
    storage: StorageConfig = StorageConfig()

    @property
    def known_addresses(self) -> tuple[Peer, ...]:
        """Who calls without digest: the peers, and the trunks as such."""
        return (*self.peers, *map(_as_peer, self.trunks))


def _as_peer(trunk: TrunkConfig) -> Peer:
    return Peer(
        name=trunk.name,
        addresses=trunk.sources,
        context=trunk.context,
        codecs=trunk.codecs or profile(trunk.gateway).codecs,
        srtp=trunk.srtp,
        dtmf=trunk.dtmf or profile(trunk.gateway).dtmf,
        comfort_noise=trunk.comfort_noise,
        trusted=trunk.trusted,
    )


def load(path: str | Path) -> Config:
    """The configuration in `path`; ConfigError tells all its mistakes."""
    config, mistakes = _read(Path(path))
    if config is None or mistakes:
        raise ConfigError(mistakes)
    return config


def check(path: str | Path) -> list[Mistake]:
    """Everything that is wrong with the file, in its order; empty when it can be used."""
    return _read(Path(path))[1]


def _read(path: Path) -> tuple[Config | None, list[Mistake]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [Mistake(str(path), "", f"cannot be read: {getattr(error, 'strerror', None) or error}")]
    return loads(text, str(path))


def loads(text: str, file: str = "") -> tuple[Config | None, list[Mistake]]:
    """The same for a TOML document in memory; `file` names it in mistakes and is the base of relative paths."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [Mistake(file, "", f"is not TOML: {error}")]
    reader = Reader(file)
    config: Config | None = reader.read(Config, document)
    config_rules.check(document, reader, Path(file).parent)
    acd_config.check(document, reader, Path(file).parent)
    if config is not None and not reader.mistakes:
        try:
            DialPlan(config.dial_plan)
        except UnknownContext as error:
            reader.mistake("dial_plan", str(error))
    if config is None or reader.mistakes:
        return None, reader.mistakes
    return with_absolute_paths(config, Path(file).parent), []
