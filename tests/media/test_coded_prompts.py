# SPDX-License-Identifier: Apache-2.0
"""Prompts in the codec of their listeners: encoded once, kept as long as the prompt, heard by all who come later."""

import asyncio
import os

import numpy
import pytest
from test_media_server import Phone, connect, until

from switchroom.codecs import registry
from switchroom.ext.codec import Codec
from switchroom.media import prompts
from switchroom.media.config import MediaConfig
from switchroom.media.events import PlayDone
from switchroom.media.prompts import Pcm, PromptStore
from switchroom.media.server import MediaServer

HOST = "127.0.31.1"
SOUND = (8_000 * numpy.sin(numpy.arange(16_000) / 20.0)).astype(numpy.int16)


def one(number: int) -> tuple[Pcm]:
    return (Pcm((SOUND // number).tobytes(), 16_000),)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def encoded(store: PromptStore, key: tuple[Pcm], codec: str = "G722") -> prompts.Coded:
    prompt = await store.load(key, 16_000)
    store.encode(key, prompt, codec)
    await until(lambda: store.coded(key, codec) is not None)
    coded = store.coded(key, codec)
    assert coded is not None
    return coded


@pytest.fixture
async def store():
    store = PromptStore(2)
    yield store
    store.close()


async def test_it_is_what_the_codec_makes_of_the_prompt_and_of_silence(store):
    coded = await encoded(store, one(1))
    assert (coded.samples, coded.bytes) == (16_000 + 3_200, 9_600)  # whole 300 ms
    expected = Codec(registry.capsule("G722")).encode(numpy.pad(SOUND, (0, 3_200)))
    assert os.pread(coded.fd, 20_000, 0) == expected


async def test_it_is_made_once(store, monkeypatch):
    made = []
    real = prompts.encode_prompt
    monkeypatch.setattr(prompts, "encode_prompt", lambda prompt, codec: made.append(codec) or real(prompt, codec))
    prompt = await store.load(one(1), 16_000)
    for _ in range(50):
        store.encode(one(1), prompt, "G722")
    await encoded(store, one(1))
    store.encode(one(1), prompt, "G722")
    await asyncio.sleep(0.05)
    assert made == ["G722"]


async def test_it_goes_with_its_prompt(store):
    before = open_files()
    for number in range(1, 6):
        await encoded(store, one(number))
    assert [number for number in range(1, 6) if store.coded(one(number), "G722") is not None] == [4, 5]
    assert open_files() == before + 4
    store.forget(one(5))
    assert store.coded(one(5), "G722") is None
    assert open_files() == before + 2


async def test_a_prompt_that_is_gone_meanwhile_leaves_nothing(store):
    before = open_files()
    prompt = await store.load(one(1), 16_000)
    store.encode(one(1), prompt, "G722")
    store.forget(one(1))
    await until(lambda: open_files() == before)
    assert store.coded(one(1), "G722") is None


async def test_later_listeners_get_the_packets_that_were_encoded():
    events: list = []
    server = MediaServer(
        MediaConfig(address=HOST, ports=(22_000, 22_039), max_sessions=8, codecs=("G722", "PCMU")), events.append
    )
    await server.start()
    sessions = await server.open(3)
    phones = [Phone(number, 9) for number in (1, 2, 3)]
    for session, phone in zip(sessions, phones, strict=True):
        connect(session, phone)
    [source] = one(1)
    sessions[0].play(source)
    await until(lambda: server.prompts.coded((source,), "G722") is not None)
    coded = server.prompts.coded((source,), "G722")
    assert coded is not None
    sessions[1].play(source)
    sessions[2].play([source])
    await until(lambda: len([event for event in events if isinstance(event, PlayDone)]) == 3)
    payloads = os.pread(coded.fd, coded.bytes, 0)[:8_000]
    heard = [b"".join(phone.listen()) for phone in phones]
    assert payloads in heard[1]
    assert payloads in heard[2]
    await server.close()
