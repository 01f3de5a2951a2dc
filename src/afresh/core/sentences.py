"""A judgement in words: for every cause what happened, where, whether the data is safe, what is next, what you can do.

The words are made of facts. No clock time is promised where the end depends on somebody else: that a sync is tried
again at a time is ours to say, that it will succeed is not.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from afresh.core.actions import Action
from afresh.core.cause import NEEDS_A_PERSON, Cause, cause_of
from afresh.core.health import TableHealth
from afresh.core.model import DataUpdate, UpdateType
from afresh.core.phrases import instant, span
from afresh.core.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """The five sentences, and the command that the last one speaks of, ready for a shell; empty if there is none."""

    happened: str
    where: str
    safe: str
    next: str
    you: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How a cause is told. `happened` and `you` may name the facts that `_facts` gives."""

    place: str
    happened: str
    you: str
    command: tuple[str, ...]


_SOURCE = "In the source system {source}, which {table} is read from"
_CACHE = "In the cache database, where {table} is kept"
_SERVICE = "In the service, neither in the source nor in your data"

WORDS: Mapping[Cause, _Words] = {
    Cause.SOURCE_UNREACHABLE: _Words(
        place=_SOURCE,
        happened="The source could not be reached{failed}",
        you="See whether {source} is up and can be reached from here",
        command=("check",),
    ),
    Cause.LOGIN_REFUSED: _Words(
        place=_SOURCE,
        happened="The source refused the login, or a right that reading needs{failed}",
        you="Correct user, password or grants of {source}, then see whether it answers",
        command=("check",),
    ),
    Cause.SOURCE_SLOW: _Words(
        place=_SOURCE,
        happened="The source takes longer than the limit allows{failed}{running}",
        you="See what else {source} is doing, and how long earlier syncs took",
        command=("history", "TABLE"),
    ),
    Cause.SCHEMA_CHANGED: _Words(
        place="Between the source system {source} and the cache table {table}",
        happened="Source, configuration and cache table do not fit each other any more{failed}",
        you="See what differs, and mend the configuration or the cache table",
        command=("check",),
    ),
    Cause.SNAPSHOT_TOO_OLD: _Words(
        place=_SOURCE,
        happened="The source could not keep one state of itself until the read ended{failed}",
        you="Sync it when fewer others write to {source}",
        command=("sync", "TABLE"),
    ),
    Cause.SHRANK: _Words(
        place=_SOURCE,
        happened="The source delivered suspiciously few rows, so the table was not replaced{failed}",
        you="If the source really shrank, let the next Mass replace the table; if not, look at the source",
        command=("accept", "TABLE"),
    ),
    Cause.CACHE_FULL: _Words(
        place=_CACHE,
        happened="There was no space left{failed}",
        you="Free some space, then sync it",
        command=("sync", "TABLE"),
    ),
    Cause.CACHE_LOCKED: _Words(
        place=_CACHE,
        happened="Another writer held the cache for too long{failed}",
        you="End the other program's transaction, then sync it",
        command=("sync", "TABLE"),
    ),
    Cause.CACHE_UNREACHABLE: _Words(
        place=_CACHE,
        happened="The cache could not be used{failed}",
        you="See whether the cache database is there and may be written",
        command=("check",),
    ),
    Cause.BAD_DATA: _Words(
        place=_SOURCE,
        happened="A value does not fit its column exactly, and none is bent to fit{failed}",
        you="Correct the row in {source}, or give the column another type or policy, then sync it",
        command=("sync", "TABLE"),
    ),
    Cause.NO_WORKER: _Words(
        place=_SERVICE,
        happened="It waits because other syncs have taken every place",
        you="See what is running",
        command=("status",),
    ),
    Cause.SERVICE_OFF: _Words(
        place=_SERVICE,
        happened="{service_off}{failed}",
        you="{service_you}",
        command=("run",),
    ),
    Cause.QUIET_HOURS: _Words(
        place=_SOURCE,
        happened="The source is left alone in its quiet hours",
        you="If it cannot wait, sync it now",
        command=("sync", "TABLE"),
    ),
    Cause.PAUSED: _Words(
        place=_SERVICE,
        happened="{paused}",
        you="When the reason is gone, resume it",
        command=("resume", "TABLE"),
    ),
    Cause.CONFIGURATION: _Words(
        place="In the configuration",
        happened="{configured}{failed}",
        you="See what is wrong with it",
        command=("check",),
    ),
    Cause.ROUTINE: _Words(
        place=_SERVICE,
        happened="Nothing is wrong: {routine}",
        you="Nothing needs to be done; if it cannot wait, sync it now",
        command=("sync", "TABLE"),
    ),
    Cause.CANCELLED: _Words(
        place=_SERVICE,
        happened="The last sync was stopped{failed}",
        you="If it should not wait for its schedule, sync it now",
        command=("sync", "TABLE"),
    ),
    Cause.DEFECT: _Words(
        place="In Afresh, or in code of yours that it runs",
        happened="Something went wrong that should not{failed}",
        you="Look at what its syncs said, and report it",
        command=("history", "TABLE"),
    ),
}

_CLOCK = _Words(
    place="In the clock of this machine, or of the one that the service runs on",
    happened="The clock went back since the last success, so how old the data is cannot be told",
    you="See to the clock; then a sync proves anew how old the data is",
    command=("sync", "TABLE"),
)


def sentences(table: TableHealth, now: datetime, configuration: str | None = None) -> Sentences:
    """The judgement in words. `configuration` is the path that commands need to be given, if they need one."""
    of_the_clock = table.state is State.UNKNOWN and table.cause is Cause.CONFIGURATION
    words = _CLOCK if of_the_clock else WORDS[table.cause or Cause.ROUTINE]
    facts = _facts(table, now)
    command = _command(words.command, table, configuration)
    you = words.you.format_map(facts)
    return Sentences(
        happened=_ended(words.happened.format_map(facts)),
        where=_ended(words.place.format_map(facts)),
        safe=_safe(table, now),
        next=_next(table, now),
        you=f"{you}: {command}",
        command=command,
    )


def _facts(table: TableHealth, now: datetime) -> Mapping[str, str]:
    return {
        "table": table.table_name,
        "source": table.source_system,
        "failed": _failed(table),
        "running": _running(table.running, now),
        "paused": _paused(table.pause),
        "configured": _configured(table),
        "routine": _routine(table),
        "service_off": _service_off(table),
        "service_you": _service_you(table),
    }


def _failed(table: TableHealth) -> str:
    failure = table.failure
    kept = table.unseen or table.hindered
    if kept is not None and cause_of(kept) is table.cause:
        return f": {kept.message}"
    if failure is None or (failure.cause or Cause.DEFECT) is not table.cause:
        return ""
    times = f", {table.consecutive_failures} times in a row" if table.consecutive_failures > 1 else ""
    what = _said(failure).removeprefix(f"{table.table_name}: ")
    return f" (the {failure.update_type} of {instant(failure.start_dt)}{times}): {what}"


def _said(failure: DataUpdate) -> str:
    """The words of its error on one line; what was listed there is separated here."""
    first, *more = (line.strip().removeprefix("- ") for line in (failure.error_message or "").splitlines() or [""])
    return " ".join([first, "; ".join(more)]).strip() or "the log does not say how"


def _running(running: DataUpdate | None, now: datetime) -> str:
    if running is None:
        return ""
    return f": the {running.update_type} has been running for {span(now - running.start_dt)}"


def _paused(pause: Action | None) -> str:
    if pause is None:
        return "It is paused"
    what = f"The source {pause.source_system}" if pause.source_system else "It"
    return f"{what} was paused by {pause.who} at {instant(pause.at)}: {pause.reason or 'no reason was given'}"


def _configured(table: TableHealth) -> str:
    if table.state is State.DISABLED:
        return "The configuration says that it is not synced"
    return "The configuration cannot work as it is written"


def _routine(table: TableHealth) -> str:
    if table.state is State.SYNCING:
        return "a sync is running"
    if table.state is State.FRESH:
        return "each schedule was met"
    return "its next sync is due"


def _service_off(table: TableHealth) -> str:
    if table.state is State.UNKNOWN:
        return "The process that ran its last sync is gone, and nobody has said yet how the sync ended"
    if table.failure is not None and table.failure.cause is Cause.SERVICE_OFF:
        return "The process that ran its last sync ended before the sync did"
    if table.service_is_on:
        return "No sync was started when it came due: the service was off then, or had just begun"
    if table.silent_since is not None:
        silent = f"A service runs, but has not looked at the schedules since {instant(table.silent_since)}"
        return f"{silent}: it hangs, or waits for a cache that another program holds"
    return "No service runs that would sync it"


def _service_you(table: TableHealth) -> str:
    if table.service_is_on:
        return "Nothing needs to be done while a service runs; if none does, start it"
    if table.silent_since is not None:
        return "See what its log says, and whether another program holds the cache; if it hangs, start it anew"
    return "Start the service"


def _safe(table: TableHealth, now: datetime) -> str:
    if table.unseen is not None:
        return "Nobody can look now; what the last commit wrote is whole."
    if table.data_as_of is None:
        return "There is no data yet that could be wrong."
    age = "its age cannot be told" if table.state is State.UNKNOWN else f"it is {span(table.age_at(now))} old"
    limit = f", and its limit is {span(table.limit)}" if table.limit is not None else ""
    return f"Yes: it serves the source as of {instant(table.data_as_of)}, whole; {age}{limit}."


def _next(table: TableHealth, now: datetime) -> str:
    if table.state is State.DISABLED:
        return "Nothing: it stays as it is."
    if table.state is State.PAUSED:
        still = " The sync that is running goes on to its end." if table.running else ""
        return f"No sync is started until it is resumed.{still}"
    if table.running is not None and table.state is not State.UNKNOWN:
        running = f"the {table.running.update_type} that has been running for {span(now - table.running.start_dt)}"
        return f"When {running} succeeds, it is right again{_by(table)}."
    if table.unseen is not None:
        return "It is asked again with the next look."
    if table.hindered is not None:
        return "The service looks again with its next check, and goes on when it can."
    if not table.service_is_on:
        return f"Nothing, until {'it looks again' if table.silent_since else 'a service runs'}."
    if table.state is State.UNKNOWN:
        return "The next check of the service looks into it and syncs the table anew."
    if table.cause is Cause.NO_WORKER:
        return "It starts as soon as a sync that is running ends."
    if table.accepted is not None:
        return "The next Mass replaces the table, however few its rows are."
    if table.next_at is None:
        return "Nothing is planned."
    when = "with the next check" if table.next_at <= now else f"at {instant(table.next_at)}"
    if table.cause in NEEDS_A_PERSON and (only := _overtaken(table)) is not None:
        return f"The next {only} fails again until somebody acts; the others go on, and the next sync starts {when}."
    if table.cause in NEEDS_A_PERSON:
        return f"It is tried again {when}, and fails again until somebody acts."
    if table.failure is not None:
        return f"It is tried again by itself {when}."
    return f"The next sync starts {when}{_by(table)}."


def _overtaken(table: TableHealth) -> UpdateType | None:
    """The type of the sync that fails, where syncs of other types succeed all the same."""
    failure, latest = table.failure, table.latest
    return failure.update_type if failure and latest and latest.sequence > failure.sequence else None


def _by(table: TableHealth) -> str:
    return f"; it should have ended by {instant(table.right_by)}" if table.right_by is not None else ""


def _command(words: tuple[str, ...], table: TableHealth, configuration: str | None) -> str:
    """The command as a shell takes it, whatever the names hold."""
    name, *arguments = ("check",) if table.silent_since is not None and words == ("run",) else words
    options = ["-c", configuration] if configuration is not None else []
    if table.pause is not None and table.pause.source_system and name == "resume":
        return shlex.join(["afresh", name, *options, f"--source={table.pause.source_system}"])
    given = [table.table_name if argument == "TABLE" else argument for argument in arguments]
    dashes = ["--"] if any(argument.startswith("-") for argument in given) else []
    return shlex.join(["afresh", name, *options, *dashes, *given])


def _ended(text: str) -> str:
    """A sentence with its full stop, which an error's own words may bring along."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def evidence(table: TableHealth) -> tuple[str, ...]:
    """What the judgement rests on: the last success of each type, the last failure, and what is running."""
    found = [
        f"The last {kind} that succeeded started at {instant(update.start_dt)} and read {update.number_records:,} rows."
        for kind, update in ((kind, table.last_success.get(kind)) for kind in UpdateType)
        if update is not None
    ]
    if table.unseen is not None and table.unseen.hint:
        found.append(table.unseen.hint)
    failure = table.failure
    if failure is not None:
        found.append(
            f"The {failure.update_type} that started at {instant(failure.start_dt)} {failure.outcome}: "
            f"{_ended(_said(failure))}"
        )
    if table.consecutive_failures > 1:
        found.append(f"{table.consecutive_failures} syncs in a row did not succeed.")
    if table.running is not None:
        found.append(
            f"A {table.running.update_type} was started at {instant(table.running.start_dt)} "
            f"by {table.running.instance_id}."
        )
    if table.state not in (State.DISABLED, State.UNKNOWN):
        found.append(_at_work(table))
    return tuple(found)


def _at_work(table: TableHealth) -> str:
    if table.hindered is not None:
        return f"A service is at work, but its last look at the schedules failed: {_ended(table.hindered.message)}"
    if table.silent_since is not None:
        return f"A service runs, but looked at the schedules last at {instant(table.silent_since)}."
    return "A service is at work." if table.service_is_on else "No service is at work."
