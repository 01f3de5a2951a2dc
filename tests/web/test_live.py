"""Events on their way to those who listen."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from afresh.core import events
from afresh.testing.clock import START
from afresh.web.live import Live


def happened(number: int) -> events.Event:
    """An event that can be told from others."""
    return events.UpdatesPurged(at=START, rows=number, before=START)


async def mark() -> str:
    """A look that sees no change."""
    return "same"


async def seen(stream: AsyncGenerator[bytes, None], beats: int) -> str:
    """What comes until so many beats."""
    text = ""
    async with aclosing(stream):
        async for chunk in stream:
            text += chunk.decode()
            if text.count("event: beat") >= beats:
                break
    return text


def rows(text: str) -> list[int]:
    """The numbers of the events, as they came."""
    return [int(found) for found in re.findall(r'"rows": (\d+)', text)]


def test_each_hears_each_event_once() -> None:
    """Those who come early and late, and one who lost the link, hear each event once and in order."""

    async def all_of_it() -> list[str]:
        live = Live()
        for number in range(3):
            live(happened(number))
        early = [asyncio.create_task(seen(live.stream(mark), 2)) for _ in range(3)]
        await asyncio.sleep(0)
        live(happened(3))
        await asyncio.sleep(0.1)
        back = asyncio.create_task(seen(live.stream(mark, last_seen=2), 1))
        await asyncio.sleep(0)
        live(happened(4))
        return list(await asyncio.gather(*early, back))

    *early, back = asyncio.run(all_of_it())
    for text in early:
        assert rows(text) == [3, 4]
        assert '"mark": "same"' in text
    assert rows(back) == [2, 3, 4]


def test_who_is_too_slow_loses_the_oldest() -> None:
    """A listener that takes nothing keeps no more than a bounded part, the latest."""

    async def slow() -> str:
        live = Live()
        stream = live.stream(mark)
        await anext(stream)
        for number in range(3_000):
            live(happened(number))
        return await seen(stream, 1)

    found = rows(asyncio.run(slow()))
    assert found[-1] == 2_999
    assert found == list(range(2_000, 3_000))


def test_a_look_that_fails_ends_the_streams() -> None:
    """Nobody is left listening to silence: the error ends the stream, and whoever listens asks anew."""

    async def failing() -> str:
        raise RuntimeError("no look")

    async def ended() -> str:
        live = Live()
        with pytest.raises(RuntimeError, match="no look"):
            await seen(live.stream(failing), 1)
        return await seen(live.stream(mark), 1)

    assert "beat" in asyncio.run(ended())
