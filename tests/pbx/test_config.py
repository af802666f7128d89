# SPDX-License-Identifier: Apache-2.0
"""The configuration: what a good file means, and that every mistake of a bad one is told with its key."""

from pathlib import Path

import pytest

from switchroom.pbx import config
from switchroom.pbx.config_values import Endpoint, Listener, Network, Secret

GOOD = """
[server]
name = "branch"
data_dir = "var"

[sip]
listen = ["udp:127.0.0.1:5060", "tcp:[::1]:5061"]
t1_ms = 250

[media]
ports = [30000, 30100]

[limits]
rtp_silence = "ignore"

[[user]]
name = "1001"
password = "pw1001"

[[user]]
name = "1002"
ha1 = "0123456789abcdef0123456789abcdef"
context = "inside"

[[peer]]
name = "carrier"
addresses = ["127.0.0.22", "192.0.2.0/24"]
codecs = ["PCMA"]

[dial_plan]
default = [
  { number = "1XXX", to = "user:{number}" },
  { number = "0.", to = "sip:{number:1}@127.0.0.23:5090", codecs = ["PCMA"] },
]
inside = [{ number = "9000", to = "echo" }]

[rpc]
listen = "0.0.0.0:8080"
tokens = [{ name = "wallboard", token = "s3cret-s3cret", role = "observer" }]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "exchange.toml").write_text(text, encoding="utf-8")
    return folder / "exchange.toml"


def told(folder: Path, text: str) -> dict[str, str]:
    return {mistake.key: mistake.reason for mistake in config.check(write(folder, text))}


def test_a_whole_file_becomes_typed_values(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert config.check(path) == []
    loaded = config.load(path)
    assert loaded.sip.listen == (Listener("udp", "127.0.0.1", 5060), Listener("tcp", "::1", 5061))
    assert (loaded.sip.t1_ms, loaded.sip.t2_ms) == (250, 4000)
    assert loaded.media.ports == (30000, 30100)
    assert [user.name for user in loaded.users] == ["1001", "1002"]
    assert loaded.users[0].password.reveal() == "pw1001"
    assert "127.0.0.22" in loaded.peers[0].addresses[0]
    assert "192.0.2.77" in loaded.peers[0].addresses[1]
    assert "192.0.3.1" not in loaded.peers[0].addresses[1]
    assert loaded.dial_plan["default"][1].codecs == ("PCMA",)
    assert loaded.rpc.listen == Endpoint("0.0.0.0", 8080)
    assert loaded.server.data_dir == str(tmp_path / "var")


def test_an_empty_file_is_a_loopback_exchange(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, ""))
    assert loaded.rpc.listen.loopback
    assert all(listener.host == "127.0.0.1" for listener in loaded.sip.listen)
    assert loaded.users == ()


def test_no_secret_is_shown(tmp_path: Path) -> None:
    shown = repr(config.load(write(tmp_path, GOOD)))
    for secret in ("pw1001", "s3cret", "0123456789abcdef"):
        assert secret not in shown
    assert Secret("a") != Secret("b")
    assert Secret("a") == Secret("a")


def test_all_mistakes_are_told_at_once_each_with_its_key(tmp_path: Path) -> None:
    mistakes = told(
        tmp_path,
        """
        [server]
        log_levl = "info"
        [sip]
        listen = ["udp:127.0.0.1:5060", "sctp:127.0.0.1:5060"]
        t1_ms = "fast"
        [media]
        ports = [30000, "x"]
        [limits]
        calls = 0
        [[user]]
        name = "1001"
        [[user]]
        name = "1001"
        password = "a"
        context = "nowhere"
        [[peer]]
        name = "p"
        addresses = ["127.0.0.0/33"]
        [dial_plan]
        default = [{ number = "1XXX", to = "user:{nummer}" }, { numbre = "1", to = "echo" }]
        [rpc]
        listen = "192.0.2.1:8080"
        """,
    )
    assert "do you mean log_level?" in mistakes["server.log_levl"]
    assert "expected transport:address:port" in mistakes["sip.listen[1]"]
    assert "int" in mistakes["sip.t1_ms"]
    assert "int" in mistakes["media.ports[1]"]
    assert mistakes["limits.calls"] == "expected int >= 1, found 0"
    assert mistakes["user[0].password"] == "is missing (or ha1, or ha1_sha256)"
    assert "already the name of user[0]" in mistakes["user[1].name"]
    assert "no context 'nowhere'" in mistakes["user[1].context"]
    assert "CIDR" in mistakes["peer[0].addresses[0]"] or "network" in mistakes["peer[0].addresses[0]"]
    assert "only {number}" in mistakes["dial_plan.default[0].to"]
    assert mistakes["dial_plan.default[1].number"] == "is missing"
    assert "do you mean number?" in mistakes["dial_plan.default[1].numbre"]
    assert "other machines" in mistakes["rpc.tokens"]
    assert len(mistakes) == 13


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[sip]\nlisten = []", "sip.listen", "at least one"),
        ("[sip]\nlisten = ['udp:0.0.0.0:5060']", "sip.address", "is needed"),
        ("[sip]\nlisten = ['udp:127.0.0.1:5060', 'udp:127.0.0.1:5060']", "sip.listen", "twice"),
        ("[sip]\nlisten = 'udp:127.0.0.1:5060'", "sip.listen", "expected a list"),
        ("[sip]\nlisten = [5060]", "sip.listen[0]", "expected text"),
        ("[sip]\nt1_ms = 500\nt2_ms = 100", "sip.t2_ms", "less than t1_ms"),
        ("[sip]\nmin_expires_s = 700", "sip.default_expires_s", "between"),
        ("[media]\nports = [20000, 10000]", "media.ports", "room"),
        ("[server]\nlog_format = 'xml'", "server.log_format", "'xml'"),
        ("[[user]]\nname = 'a b'\npassword = 'x'", "user[0].name", "regex"),
        ("[[user]]\nname = 'a'\nha1 = 'xyz'", "user[0].ha1", "32 hexadecimal"),
        ("[rpc]\ntokens = [{ name = 'a', token = 'short' }]", "rpc.tokens[0].token", "shorter"),
        ("[rpc]\ntokens = [{ name = 'a' }]", "rpc.tokens[0].token", "either"),
        ("[dial_plan]\ndefault = [{ number = '1', to = 'play:none.wav' }]", "dial_plan.default[0].to", "no file"),
        ("[dial_plan]\n'a b' = [1]", 'dial_plan."a b"[0]', "expected a table"),
        ("user = 3", "user", "expected a list"),
        ("rpc = true", "rpc", "expected a table"),
        ("[sips]", "sips", "do you mean sip?"),
    ],
)
def test_one_mistake(tmp_path: Path, text: str, key: str, reason: str) -> None:
    mistakes = told(tmp_path, text)
    assert list(mistakes) == [key]
    assert reason in mistakes[key]


def test_a_broken_document_and_a_missing_file_are_mistakes_too(tmp_path: Path) -> None:
    assert "line 1" in told(tmp_path, "[sip\na = 1")[""]
    (missing,) = config.check(tmp_path / "none.toml")
    assert missing.reason == "cannot be read: No such file or directory"
    with pytest.raises(config.ConfigError, match=r"none\.toml: cannot be read"):
        config.load(tmp_path / "none.toml")


def test_a_mistake_reads_file_key_reason(tmp_path: Path) -> None:
    (mistake,) = config.check(write(tmp_path, "[limits]\ncalls = -1"))
    assert str(mistake) == f"{tmp_path}/exchange.toml: limits.calls: expected int >= 1, found -1"


def test_play_files_are_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(b"")
    loaded = config.load(write(tmp_path, "[dial_plan]\ndefault = [{ number = '1', to = 'play:hello.wav' }]"))
    assert loaded.dial_plan["default"][0].to.argument == str(tmp_path / "hello.wav")


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:x", "host:80", "127.0.0.1:70000", ":80"])
def test_an_endpoint_needs_an_address_and_a_port(text: str) -> None:
    with pytest.raises(ValueError):
        Endpoint.from_text(text)


def test_values_read_as_they_are_written() -> None:
    for text in ("udp:127.0.0.1:5060", "tcp:[::1]:5060"):
        assert str(Listener.from_text(text)) == text
    for text in ("127.0.0.22", "192.0.2.0/24"):
        assert str(Network.from_text(text)) == text


def test_times_that_are_not_there_are_told_for_rules_and_forwarding() -> None:
    _, mistakes = config.loads(
        '[[user]]\nname = "1"\npassword = "x"\nforward = [{ on = "busy", to = "2", when = "not open" }]\n'
        '[dial_plan]\ndefault = [{ number = "1", to = "echo", when = "night" }, { include = "nowhere" }]\n'
    )
    assert [(mistake.key, mistake.reason) for mistake in mistakes] == [
        ("user[0].forward[0].when", "there is no [times.open]"),
        ("dial_plan.default[0].when", "there is no [times.night]"),
        ("dial_plan.default[1].include", "the dial plan has no context 'nowhere'"),
    ]
