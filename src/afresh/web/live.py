"""Events as they happen, to all who listen: server-sent events."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property

from afresh.core import events
from afresh.core.errors import AfreshError
from afresh.core.phrases import iso

HEARTBEAT_SECONDS = 1.0
_KEPT_EVENTS = 200
_HELD_EVENTS = 256
_GATHER_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An event and its number; written once for all who listen."""

    number: int
    event: events.Event

    @cached_property
    def text(self) -> str:
        data = json.dumps(as_value(self.event))
        return f"id: {self.number}\nevent: {type(self.event).__name__}\ndata: {data}\n\n"


class Live:
    """A sink of events that hands them on to listeners; one that is too slow loses the oldest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []
        self._recent: deque[_Told] = deque(maxlen=_KEPT_EVENTS)
        self._number = 0

    def __call__(self, event: events.Event) -> None:
        """Takes an event, from whatever thread. Each loop is woken once, however many listen there."""
        with self._lock:
            self._number += 1
            told = _Told(number=self._number, event=event)
            self._recent.append(told)
            loops: dict[asyncio.AbstractEventLoop, list[_Listener]] = {}
            for listener in self._listeners:
                loops.setdefault(listener.loop, []).append(listener)
        for loop, listeners in loops.items():
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_tell, listeners, told)

    def recent(self, operation_id: str) -> list[events.Event]:
        """What is remembered of one sync, oldest first."""
        with self._lock:
            kept = [told.event for told in self._recent]
        return [
            event for event in kept if isinstance(event, events.SyncEvent) and event.task.operation_id == operation_id
        ]

    async def stream(self, look: Callable[[], Awaitable[str]], last_seen: int | None = None) -> AsyncIterator[str]:
        """Events from now on (or after one that was seen) in the form of server-sent events; those that come within a
        moment go together. A `beat` every second, however much happens, says that the link is whole, and by a mark
        that `look` makes whether what is judged has changed."""
        loop = asyncio.get_running_loop()
        listener = _Listener(loop)
        with self._lock:
            missed = [] if last_seen is None else [told for told in self._recent if told.number > last_seen]
            self._listeners.append(listener)
        try:
            yield ": listening\n\n"
            if missed:
                yield "".join(told.text for told in missed)
            beat_at = loop.time() + HEARTBEAT_SECONDS
            while True:
                if found := await listener.next(beat_at - loop.time()):
                    yield "".join(told.text for told in found)
                if loop.time() >= beat_at:
                    beat_at = loop.time() + HEARTBEAT_SECONDS
                    yield f"event: beat\ndata: {json.dumps({'mark': await look()})}\n\n"
        finally:
            with self._lock:
                self._listeners.remove(listener)


class _Listener:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: deque[_Told] = deque(maxlen=_HELD_EVENTS)
        self.some = asyncio.Event()

    async def next(self, seconds: float) -> list[_Told]:
        """What has come, or comes within so many seconds and a moment after."""
        try:
            await asyncio.wait_for(self.some.wait(), max(seconds, 0))
        except TimeoutError:
            return []
        await asyncio.sleep(_GATHER_SECONDS)
        self.some.clear()
        found = list(self.waiting)
        self.waiting.clear()
        return found


def _tell(listeners: Sequence[_Listener], told: _Told) -> None:
    for listener in listeners:
        listener.waiting.append(told)
        listener.some.set()


def as_value(value: object) -> object:
    """An event, or a part of one, as JSON has it: durations in seconds, errors as what they say."""
    if isinstance(value, AfreshError):
        return {"error": type(value).__name__, "message": value.message, "hint": value.hint}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_value(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, tuple | list):
        return [as_value(item) for item in value]
    return value
