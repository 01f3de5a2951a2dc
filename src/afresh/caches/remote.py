"""A cache that another process owns alone, asked through that process: how things stand, and what people ask for.

The process that owns it writes down where it listens (`rendezvous`); another one that finds the note asks there. What
a command that only looks needs goes over: the log, the actions and the leases. Data does not.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, NoReturn

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from afresh.caches.rendezvous import Rendezvous
from afresh.core.actions import Action
from afresh.core.errors import CacheUnavailable
from afresh.core.model import DataUpdate, Outcome
from afresh.core.ports import Cache, Capabilities, Lease

_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method that goes over: how its arguments and its result are written."""

    arguments: Mapping[str, TypeAdapter[Any]]
    result: TypeAdapter[Any]


_UPDATES: TypeAdapter[Any] = TypeAdapter(list[DataUpdate])
_ACTIONS: TypeAdapter[Any] = TypeAdapter(list[Action])
_TEXT: TypeAdapter[Any] = TypeAdapter(str | None)
_Whole = Annotated[int, Field(ge=0, le=2**53)]
"""A number that every database takes."""
_NUMBER: TypeAdapter[Any] = TypeAdapter(_Whole)
_NUMBER_OR_NONE: TypeAdapter[Any] = TypeAdapter(_Whole | None)
_INSTANT_OR_NONE: TypeAdapter[Any] = TypeAdapter(AwareDatetime | None)

CALLS: Mapping[str, Call] = {
    "log.last_updates": Call(arguments={}, result=_UPDATES),
    "log.failures": Call(arguments={}, result=TypeAdapter(dict[str, list[DataUpdate]])),
    "log.history": Call(
        arguments={
            "table_name": _TEXT,
            "open_only": TypeAdapter(bool),
            "operation_id": _TEXT,
            "outcome": TypeAdapter(Outcome | None),
            "since": _INSTANT_OR_NONE,
            "until": _INSTANT_OR_NONE,
            "limit": _NUMBER,
            "before": _NUMBER_OR_NONE,
        },
        result=_UPDATES,
    ),
    "actions.record": Call(arguments={"action": TypeAdapter(Action)}, result=TypeAdapter(Action)),
    "actions.latest": Call(arguments={}, result=_ACTIONS),
    "actions.recent": Call(
        arguments={"table_name": _TEXT, "after": _NUMBER, "before": _NUMBER_OR_NONE, "limit": _NUMBER},
        result=_ACTIONS,
    ),
    "leases.held": Call(arguments={"prefix": TypeAdapter(str)}, result=TypeAdapter(list[Lease])),
}
"""Everything that goes over; whatever is not here does not."""


def answer(cache: Cache, name: str, body: bytes) -> bytes:
    """What the owner does with a call: the JSON of its result. KeyError for one that does not go over, ValueError for
    arguments that are none."""
    call = CALLS[name]
    given = json.loads(body)
    if not isinstance(given, dict) or set(given) - set(call.arguments):
        raise ValueError("these are no arguments of it")
    arguments = {key: call.arguments[key].validate_python(value, strict=False) for key, value in given.items()}
    part, _, method = name.partition(".")
    result = getattr(getattr(cache, part), method)(**arguments)
    return call.result.dump_json(list(result) if isinstance(result, tuple) else result)


# ------------------------------------------------------------------------------------------------ who asks


class RemoteCache:
    """A cache as far as another process tells of it. Whatever would change its data is refused."""

    capabilities = Capabilities(concurrent_writers=True, reload_strategies=frozenset())

    def __init__(self, owner: Rendezvous) -> None:
        self._owner = owner
        self.log = _RemoteLog(self._call)
        self.actions = _RemoteActions(self._call)
        self.leases = _RemoteLeases(self._call)

    @property
    def origin(self) -> str:
        """Who is asked."""
        return f"the running service at {self._owner.url}"

    def _call(self, name: str, **arguments: Any) -> Any:
        call = CALLS[name]
        body = {key: call.arguments[key].dump_python(value, mode="json") for key, value in arguments.items()}
        request = urllib.request.Request(  # noqa: S310 - the note's URL is checked to be of this machine
            f"{self._owner.url}/owner/{name}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._owner.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as got:  # noqa: S310
                return call.result.validate_json(got.read())
        except (urllib.error.URLError, OSError, ValidationError) as error:
            raise CacheUnavailable(f"{self.origin} does not answer: {error}") from error

    def describe(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: data does not go over."""
        raise CacheUnavailable(
            f"the cache belongs to {self.origin}",
            hint="Ask that service: its dashboard, or stop it first.",
        )

    create = add_columns = stage = clean = describe

    def close(self) -> None:
        """Nothing is held open."""


_Calling = Callable[..., Any]


class _RemoteLog:
    def __init__(self, call: _Calling) -> None:
        self._call = call

    def last_updates(self) -> Sequence[DataUpdate]:
        found: Sequence[DataUpdate] = self._call("log.last_updates")
        return found

    def failures(self) -> Mapping[str, Sequence[DataUpdate]]:
        found: Mapping[str, Sequence[DataUpdate]] = self._call("log.failures")
        return found

    def history(self, **arguments: Any) -> Sequence[DataUpdate]:
        # What is not asked for is not sent: the owner may run an earlier version, which does not know all of it.
        asked = {name: value for name, value in arguments.items() if value is not None}
        found: Sequence[DataUpdate] = self._call("log.history", **asked)
        return found

    def start(self, *_: Any) -> NoReturn:
        raise CacheUnavailable("the cache belongs to a running service", hint="Ask it for the sync on its dashboard.")

    complete = close_open = purge = start


class _RemoteActions:
    def __init__(self, call: _Calling) -> None:
        self._call = call

    def record(self, action: Action) -> Action:
        found: Action = self._call("actions.record", action=action)
        return found

    def latest(self) -> Sequence[Action]:
        found: Sequence[Action] = self._call("actions.latest")
        return found

    def recent(self, **arguments: Any) -> Sequence[Action]:
        found: Sequence[Action] = self._call("actions.recent", **arguments)
        return found


class _RemoteLeases:
    def __init__(self, call: _Calling) -> None:
        self._call = call

    def held(self, prefix: str) -> Sequence[Lease]:
        found: Sequence[Lease] = self._call("leases.held", prefix=prefix)
        return found

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        """None: it is the owner's to take."""
        return None

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        return None

    def release(self, lease: Lease) -> None:
        return None
