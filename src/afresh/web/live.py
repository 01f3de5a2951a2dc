"""Events as they happen, to all who listen: server-sent events."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property

from afresh.core import events
from afresh.core.errors import AfreshError
from afresh.core.phrases import iso

HEARTBEAT_SECONDS = 1.0
_KEPT_EVENTS = 1_000
_HELD_TEXTS = 64


@dataclass(frozen=True, kw_only=True)
class _Told:
    """An event and its number; written once for all who listen."""

    number: int
    event: events.Event

    @cached_property
    def text(self) -> bytes:
        data = json.dumps(as_value(self.event))
        return f"id: {self.number}\nevent: {type(self.event).__name__}\ndata: {data}\n\n".encode()


class Live:
    """A sink of events that hands them on to listeners; one that is too slow loses the oldest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: deque[_Told] = deque(maxlen=_KEPT_EVENTS)
        self._number = 0
        self._rounds: dict[asyncio.AbstractEventLoop, _Round] = {}

    def __call__(self, event: events.Event) -> None:
        """Takes an event, from whatever thread."""
        with self._lock:
            self._number += 1
            self._recent.append(_Told(number=self._number, event=event))

    def recent(self, operation_id: str) -> list[events.Event]:
        """What is remembered of one sync, oldest first."""
        return [
            told.event
            for told in self._since(0)
            if isinstance(told.event, events.SyncEvent) and told.event.task.operation_id == operation_id
        ]

    async def stream(
        self, look: Callable[[], Awaitable[str]], last_seen: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Events from now on (or after one that was seen) in the form of server-sent events. Every second those of that
        second go together, with a `beat` that says that the link is whole, and by a mark that `look` makes whether
        what is judged has changed. All who listen are told by one round."""
        found = self._round(asyncio.get_running_loop(), look)
        listener = _Listener()
        found.listeners.append(listener)
        try:
            yield b": listening\n\n"
            if missed := [] if last_seen is None else [t for t in self._since(last_seen) if t.number <= found.told]:
                yield b"".join(told.text for told in missed)
            while texts := await listener.next():
                yield b"".join(texts)
        finally:
            found.listeners.remove(listener)

    def _round(self, loop: asyncio.AbstractEventLoop, look: Callable[[], Awaitable[str]]) -> "_Round":
        with self._lock:
            found = self._rounds.get(loop)
            if found is None:
                found = self._rounds[loop] = _Round(told=self._number)
                found.task = loop.create_task(self._go(loop, found, look))
            return found

    async def _go(self, loop: asyncio.AbstractEventLoop, found: "_Round", look: Callable[[], Awaitable[str]]) -> None:
        """Tells the listeners of one loop, as long as there are some; what ends it, an error of `look` say, ends their
        streams."""
        beat_at, failure = loop.time() + HEARTBEAT_SECONDS, None
        try:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            while found.listeners:
                beat_at = max(beat_at, loop.time()) + HEARTBEAT_SECONDS
                beat = f"event: beat\ndata: {json.dumps({'mark': await look()})}\n\n".encode()
                new = self._since(found.told)
                found.told = new[-1].number if new else found.told
                text = b"".join([*(told.text for told in new), beat])
                for listener in found.listeners:
                    listener.tell(text)
                await asyncio.sleep(max(beat_at - loop.time(), 0))
        except Exception as error:  # noqa: BLE001 - whoever listens raises it
            failure = error
        finally:
            with self._lock:
                del self._rounds[loop]
            for listener in found.listeners:
                listener.end(failure)

    def _since(self, number: int) -> list[_Told]:
        """What is remembered of what came after that one."""
        with self._lock:
            return [told for told in self._recent if told.number > number]


@dataclass(slots=True, kw_only=True)
class _Round:
    """What tells the listeners of one loop, and which event it told last."""

    told: int
    listeners: "list[_Listener]" = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None


class _Listener:
    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=_HELD_TEXTS)
        self._some = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None

    def tell(self, text: bytes) -> None:
        """Takes what there is to be told next."""
        self._waiting.append(text)
        self._some.set()

    def end(self, failure: Exception | None) -> None:
        """Nothing will be told any more, because of that."""
        self._ended, self._failure = True, failure
        self._some.set()

    async def next(self) -> list[bytes]:
        """What was told since it was asked last; nothing if that was the end. Raises what made it end early."""
        while not self._waiting and not self._ended:
            self._some.clear()
            await self._some.wait()
        if not self._waiting and self._failure is not None:
            raise self._failure
        found = list(self._waiting)
        self._waiting.clear()
        return found


def as_value(value: object) -> object:
    """An event, or a part of one, as JSON has it: durations in seconds, errors as what they say."""
    if isinstance(value, AfreshError):
        return {"error": type(value).__name__, "message": value.message, "hint": value.hint}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_value(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, tuple | list):
        return [as_value(item) for item in value]
    return value
