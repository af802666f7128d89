# SPDX-License-Identifier: Apache-2.0
"""A shard takes nothing from the heap while packets and ticks go through it: counted by a preloaded malloc."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

SCRIPT = """
import asyncio, base64, ctypes, json, re, sys, threading
sys.path[:0] = sys.argv[1:2]
from pylibsrtp import Policy, Session as Srtp
from test_media_server import Phone, connect
from switchroom.media.config import MediaConfig
from switchroom.media.server import MediaServer

counter = ctypes.CDLL(None).watch_allocations
counter.restype = ctypes.c_long
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (30, Policy.SRTP_PROFILE_AES128_CM_SHA1_80),
    "AEAD_AES_128_GCM": (28, Policy.SRTP_PROFILE_AEAD_AES_128_GCM),
    "AEAD_AES_256_GCM": (44, Policy.SRTP_PROFILE_AEAD_AES_256_GCM),
}


class SecurePhone(Phone):
    def sdp(self, extra=""):
        key = bytes(range(SUITES[self.suite][0]))
        crypto = f"a=crypto:1 {self.suite} inline:{base64.b64encode(key).decode()}\\r\\n"
        self.srtp = Srtp(
            policy=Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=SUITES[self.suite][1])
        )
        plain = self.socket
        outer = self

        class Secured:
            def sendto(self, data, to):
                plain.sendto(outer.srtp.protect(data), to)

            def __getattr__(self, name):
                return getattr(plain, name)

        self.socket = Secured()
        return super().sdp(extra + crypto).replace(b"RTP/AVP", b"RTP/SAVP")


async def main():
    config = MediaConfig(address="127.0.31.1", ports=(21_000, 21_199), max_sessions=60, srtp="optional",
                         codecs=("PCMU", "PCMA", "G722"))
    server = MediaServer(config, lambda event: None)
    await server.start()
    thread = next(each.native_id for each in threading.enumerate() if each.name == "media")
    kinds = {"relay": (0, 0), "laws": (0, 8), "transcode": (0, 9), "record": (0, 0), "mix": (0, 8), "more": (9, 0)}
    parties, feeds = [], {}
    room = None

    async def add(kind, types):
        pair = await server.open(2)
        for session, payload_type in zip(pair, types):
            session.srtp = "required" if kind in SUITES else "off"
            phone = (SecurePhone if kind in SUITES else Phone)(len(parties) + 1, payload_type)
            phone.suite = kind
            connect(session, phone)
            parties.append((session, phone))
        feeds[kind] = pair[0]
        return pair

    async def talk(ms):
        voices = [phone.talk(session, ms, bytes([0x10 + i]) * 160) for i, (session, phone) in enumerate(parties)]
        await asyncio.gather(*voices)

    for kind, types in kinds.items():
        pair = await add(kind, types)
        if kind in ("mix", "more"):
            room = room or server.conference(pair[0])
            for session in pair:
                room.join(session)
        else:
            server.bridge(*pair)
        if kind == "record":
            pair[0].record(sys.argv[2] + "/leg")
    room.record(sys.argv[2] + "/room")
    await talk(600)
    before = server.stats()[0]
    counter(thread)
    await talk(1_500)
    running = counter(thread)
    for kind in SUITES:
        server.bridge(*await add(kind, (0, 0)))
    await talk(100)
    setting_up = counter(thread)
    await talk(500)
    with_srtp = counter(0)
    after = server.stats()[0]
    print(json.dumps({
        "setting_up": setting_up, "running": running, "with_srtp": with_srtp, "slots": after.slots - before.slots,
        "received": after.received_packets - before.received_packets,
        "sent": after.sent_packets - before.sent_packets,
        "feeds": {kind: session.stats().feed for kind, session in feeds.items()},
        "secure": {kind: [feeds[kind].stats().suite, feeds[kind].stats().received_packets] for kind in SUITES},
    }))
    await server.close()


asyncio.run(main())
"""


def test_the_plane_thread_allocates_nothing_once_it_runs(tmp_path):
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler is not None
    library = tmp_path / "count.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "malloc_count.c"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(HERE.parent / "media"), str(tmp_path)],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["setting_up"] > 0  # the counter counts: libsrtp takes memory for its keys
    assert found["feeds"] == {
        "relay": "relay", "laws": "transcode", "transcode": "transcode", "record": "relay", "mix": "mix", "more": "mix",
        "AES_CM_128_HMAC_SHA1_80": "relay", "AEAD_AES_128_GCM": "relay", "AEAD_AES_256_GCM": "relay",
    }  # fmt: skip
    for kind, (suite, received) in found["secure"].items():
        assert suite == kind
        assert received >= 10
    assert found["slots"] > 100
    assert min(found["received"], found["sent"]) > 500
    assert found["running"] == 0
    assert found["with_srtp"] == 0
