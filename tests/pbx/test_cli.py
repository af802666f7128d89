# SPDX-License-Identifier: Apache-2.0
"""The command: what it prints, and the status it leaves with."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import switchroom
from switchroom.pbx import logs
from switchroom.pbx.cli import main


def test_check_prints_every_mistake_as_file_key_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[limits]\ncalls = 0\n[sip]\nlisten = []\n")
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"{path}: limits.calls: expected int >= 1, found 0" in lines
    assert f"{path}: sip.listen: needs at least one listener" in lines
    path.write_text("")
    assert main(["check", str(path)]) == 0


def test_serve_refuses_a_bad_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "-c", str(tmp_path / "none.toml")]) == 1
    assert "none.toml: cannot be read" in capsys.readouterr().err


def test_rpc_without_an_exchange_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rpc", "system.status", "--url", "http://127.0.33.7:9/rpc"]) == 1
    assert "no exchange answers at http://127.0.33.7:9/rpc" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"switchroom {switchroom.__version__}\n"


@pytest.fixture
def unchanged_logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("unchanged_logs")
def test_logs_are_one_json_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.log.debug("too.fine")
    logs.log.warning("call.refused", sip_call_id="a@b", limit="calls")
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert (fields["event"], fields["level"], fields["sip_call_id"]) == ("call.refused", "warning", "a@b")
    assert fields["timestamp"].endswith("Z")


def test_explain_tells_which_rule_wins_and_why_the_others_did_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        '[[peer]]\nname = "carrier"\naddresses = ["192.0.2.1"]\n[times.open]\nwhen = ["Mon-Fri 09:00-18:00"]\n'
        'zone = "UTC"\n[dial_plan]\ndefault = [{ number = "8000", to = "echo", when = "open" },\n'
        '{ number = "8.", to = "busy" }, { number = "9", to = "echo" }]\n'
    )
    assert main(["dial-plan", "explain", "carrier", "8000", "2026-11-25T20:00+00:00", "-c", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "8000 -> echo: passed over: only when open, and open is off at Wed 2026-11-25 20:00",
        "8. -> busy: wins",
        "1 other rule does not match 8000",
    ]
    assert main(["dial-plan", "explain", "nobody", "8000", "-c", str(file)]) == 1
    assert "neither a user nor a peer" in capsys.readouterr().err
