"""Events as they happen, to all who listen: server-sent events."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum

from afresh.core import events
from afresh.core.errors import AfreshError
from afresh.core.phrases import iso

HEARTBEAT_SECONDS = 1.0
_KEPT_EVENTS = 200
_HELD_EVENTS = 256


class Live:
    """A sink of events that hands them on to listeners; one that is too slow loses events and is told so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []
        self._recent: deque[tuple[int, events.Event]] = deque(maxlen=_KEPT_EVENTS)
        self._number = 0

    def __call__(self, event: events.Event) -> None:
        """Takes an event, from whatever thread."""
        with self._lock:
            self._number += 1
            self._recent.append((self._number, event))
            for listener in self._listeners:
                listener.tell(self._number, event)

    def recent(self, operation_id: str) -> list[events.Event]:
        """What is remembered of one sync, oldest first."""
        with self._lock:
            kept = [event for _number, event in self._recent]
        return [
            event for event in kept if isinstance(event, events.SyncEvent) and event.task.operation_id == operation_id
        ]

    async def stream(self, look: Callable[[], str], last_seen: int | None = None) -> AsyncIterator[str]:
        """Events from now on (or after one that was seen) in the form of server-sent events. A `beat` every second,
        however much happens, says that the link is whole, and by a mark that `look` makes whether what is judged has
        changed."""
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            missed = [] if last_seen is None else [kept for kept in self._recent if kept[0] > last_seen]
            self._listeners.append(listener)
        try:
            yield ": listening\n\n"
            for number, event in missed:
                yield _written(number, event)
            loop = asyncio.get_running_loop()
            beat_at = loop.time() + HEARTBEAT_SECONDS
            while True:
                told = await listener.next(beat_at - loop.time())
                if told is not None:
                    yield _written(*told)
                    continue
                beat_at = loop.time() + HEARTBEAT_SECONDS
                yield f"event: beat\ndata: {json.dumps({'mark': await asyncio.to_thread(look)})}\n\n"
        finally:
            with self._lock:
                self._listeners.remove(listener)


class _Listener:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[tuple[int, events.Event]] = asyncio.Queue(_HELD_EVENTS)

    def tell(self, number: int, event: events.Event) -> None:
        def put() -> None:
            if self._queue.full():
                self._queue.get_nowait()
            self._queue.put_nowait((number, event))

        try:
            self._loop.call_soon_threadsafe(put)
        except RuntimeError:  # its loop has ended
            return

    async def next(self, seconds: float) -> tuple[int, events.Event] | None:
        try:
            return await asyncio.wait_for(self._queue.get(), seconds)
        except TimeoutError:
            return None


def _written(number: int, event: events.Event) -> str:
    return f"id: {number}\nevent: {type(event).__name__}\ndata: {json.dumps(as_value(event))}\n\n"


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
