"""A judgement in words."""

import re
import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st
from tests.core.log_rows import HOURLY, MASS, NOW, ago, update
from tests.core.test_health import asked
from typer.core import TyperGroup

from afresh.cli.app import app
from afresh.core.actions import ActionKind
from afresh.core.cause import Cause
from afresh.core.errors import CacheLocked
from afresh.core.health import TableHealth
from afresh.core.phrases import instant
from afresh.core.sentences import WORDS, evidence, sentences
from afresh.core.states import Health, State

GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = GROUP.commands
SUCCESS = update(MASS, ago(hours=2))
SOMEBODY_ELSE = [
    Cause.SOURCE_UNREACHABLE,
    Cause.LOGIN_REFUSED,
    Cause.SCHEMA_CHANGED,
    Cause.SHRANK,
    Cause.CACHE_FULL,
    Cause.BAD_DATA,
    Cause.PAUSED,
    Cause.DEFECT,
]


def table(state: State, cause: Cause | None, **changes: Any) -> TableHealth:
    """A judgement with everything that a cause may speak of."""
    settings: dict[str, Any] = {
        "table_name": "Item",
        "source_system": "ERP",
        "health": Health.DEGRADED,
        "last_success": {MASS: SUCCESS},
        "data_as_of": SUCCESS.start_dt,
        "proved_at": ago(hours=2),
        "limit": timedelta(minutes=90),
        "next_at": NOW + timedelta(minutes=2),
        "service_is_on": True,
        "pause": asked(ActionKind.PAUSE) if cause is Cause.PAUSED else None,
    }
    return TableHealth(state=state, cause=cause, **(settings | changes))


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("on", [True, False])
def test_five_sentences(cause: Cause, state: State, on: bool) -> None:
    """Every cause in every state has five sentences, each a whole one, with no fact left open."""
    failure = replace(update(MASS, ago(hours=1)), cause=cause, error_message="Item: it broke")
    for changes in ({}, {"failure": failure, "consecutive_failures": 2}, {"data_as_of": None, "proved_at": None}):
        told = sentences(table(state, cause, service_is_on=on, **changes), NOW)
        for text in (told.happened, told.where, told.safe, told.next):
            assert re.fullmatch(r"[A-Z][^{}]*[.!?]", text, re.DOTALL), text
        assert told.you.endswith(told.command)
        assert told.you[0].isupper()


@pytest.mark.parametrize("cause", list(WORDS))
def test_commands_are_there(cause: Cause) -> None:
    """The command that each cause names is one of the program, and takes what it is given."""
    told = sentences(table(State.LATE, cause), NOW, "some where/afresh.toml")
    name, *arguments = shlex.split(told.command)[1:]
    command = COMMANDS[name]
    with command.make_context(name, arguments) as context:
        assert str(context.params["config"]) == "some where/afresh.toml"
        assert context.params.get("table") in (None, "Item")


@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_names_in_commands(name: str) -> None:
    """Whatever a table or a source is called, the command means it."""
    odd = table(State.STOPPED, Cause.SHRANK, table_name=name)
    words = shlex.split(sentences(odd, NOW, "x.toml").command)
    with COMMANDS["accept"].make_context("accept", words[2:]) as context:
        assert context.params["table"] == name
    of_source = asked(ActionKind.PAUSE, table_name="", source_system=name)
    paused = table(State.PAUSED, Cause.PAUSED, pause=of_source)
    with COMMANDS["resume"].make_context("resume", shlex.split(sentences(paused, NOW).command)[2:]) as context:
        assert (context.params["source"], context.params["table"]) == (name, None)


@pytest.mark.parametrize("cause", SOMEBODY_ELSE)
def test_no_promise_for_others(cause: Cause) -> None:
    """Where the end depends on somebody else it is said when it is tried again, never when it is right."""
    failure = replace(update(HOURLY, ago(minutes=1)), cause=cause)
    told = sentences(table(State.STOPPED, cause, failure=failure), NOW)
    assert "ended by" not in told.next
    assert "tried again" in told.next or cause is Cause.PAUSED or "2026" not in told.next


def test_words_of_a_failure() -> None:
    """What went wrong is told with its type, its time, how often, and the error's own words, once the table's name."""
    failure = replace(update(MASS, ago(hours=1)), cause=Cause.SHRANK, error_message="Item: the extract has 3 rows")
    told = sentences(table(State.STOPPED, Cause.SHRANK, failure=failure, consecutive_failures=2), NOW)
    assert told.happened == (
        "The source delivered suspiciously few rows, so the table was not replaced "
        "(the Mass of 2026-03-02 07:00:00Z, 2 times in a row): the extract has 3 rows."
    )
    assert told.safe == (
        "Yes: it serves the source as of 2026-03-02 06:00:00Z, whole; it is 2 h 00 min old, "
        "and its limit is 1 h 30 min."
    )
    assert told.next == "It is tried again at 2026-03-02 08:02:00Z, and fails again until somebody acts."
    assert told.you.endswith(": afresh accept Item")


def test_evidence() -> None:
    """Evidence are the successes, the last failure, what runs, and whether there is a service."""
    failure = replace(update(MASS, ago(hours=1), sequence=7), outcome=None, error_message="it broke")
    running = update(HOURLY, ago(minutes=1), outcome=None)
    found = evidence(table(State.CATCHING_UP, Cause.DEFECT, failure=failure, consecutive_failures=2, running=running))
    assert len(found) == 5
    assert found[-1] == "A service is at work."


def test_an_error_of_several_lines_is_one_sentence() -> None:
    """What an error lists below each other is listed behind each other, and the sync is named by its start, as in
    the log."""
    several = "Item: it does not fit:\n  - A: gone\n  - B: new"
    failure = replace(update(MASS, ago(hours=1)), error_message=several, cause=Cause.SCHEMA_CHANGED)
    judged = table(State.STOPPED, Cause.SCHEMA_CHANGED, failure=failure)
    happened = sentences(judged, NOW).happened
    assert happened.endswith(f"(the Mass of {instant(failure.start_dt)}): it does not fit: A: gone; B: new.")
    assert not [line for line in evidence(judged) if "\n" in line]


def test_a_mass_that_fails_does_not_say_that_windows_do() -> None:
    """Where only the Mass comes to nothing, and Hourlies succeed since, it is the Mass that is said to fail again."""
    failure = replace(update(MASS, ago(hours=1), sequence=1), error_message="Item: 20 rows", cause=Cause.SHRANK)
    since = update(HOURLY, ago(minutes=9), sequence=2)
    told = sentences(table(State.STOPPED, Cause.SHRANK, failure=failure, last_success={HOURLY: since}), NOW)
    assert told.next.startswith("The next Mass fails again until somebody acts; the others go on, and the next sync")


def test_a_service_that_cannot_look_is_not_said_to_be_off() -> None:
    """Its own pages say what hinders it; others, that it runs but has not looked, and since when."""
    hindered = CacheLocked("another writer held the cache for 3 s")
    own = sentences(table(State.LATE, Cause.CACHE_LOCKED, hindered=hindered), NOW)
    assert own.happened == "Another writer held the cache for too long: another writer held the cache for 3 s."
    assert own.next == "The service looks again with its next check, and goes on when it can."
    others = table(State.STOPPED, Cause.SERVICE_OFF, service_is_on=False, silent_since=ago(minutes=1))
    told, since = sentences(others, NOW), instant(ago(minutes=1))
    assert told.happened.startswith(f"A service runs, but has not looked at the schedules since {since}")
    assert "afresh run" not in told.you
    assert evidence(others)[-1] == f"A service runs, but looked at the schedules last at {since}."
