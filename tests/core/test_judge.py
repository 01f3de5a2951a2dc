"""Judging again and again says what judging anew says."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.log_rows import DAILY, HOUR, HOURLY, MASS, NOW, ago, options, past, table, update

from afresh.core.actions import Action, ActionKind, standing
from afresh.core.cause import Cause
from afresh.core.facts import Facts, LastCheck, SourceState
from afresh.core.health import TableHealth, judge, judge_table
from afresh.core.hold import ALL, Hold
from afresh.core.judge import Judge
from afresh.core.model import DataUpdate, Outcome, UpdateType
from afresh.core.options import DataSourceConfig
from afresh.core.schedule import Past, gone_on

NAMES = ("A", "B", "C")
OPTIONS = options(*(table(name=name) for name in NAMES), table(name="D", is_enabled=False), max_degree_of_parallelism=2)
CAUSES = (Cause.SOURCE_UNREACHABLE, Cause.SHRANK, Cause.LOGIN_REFUSED, None)

MINUTE = timedelta(minutes=1)
FAILED = (("start", "B", HOURLY, "test"), ("wait", 5 * MINUTE), ("end", "B", Outcome.FAILED, Cause.SOURCE_UNREACHABLE))

minutes = st.sampled_from([-20, 1, 5, 20, 30, 59, 60, 61, 90, 26 * 60]).map(lambda number: number * MINUTE)
names = st.sampled_from(NAMES)
steps = st.lists(
    st.one_of(
        *(st.tuples(st.just("wait"), minutes) for _ in range(4)),
        st.tuples(st.just("start"), names, st.sampled_from(UpdateType), st.sampled_from(["test", "dead"])),
        st.tuples(st.just("end"), names, st.sampled_from(Outcome), st.sampled_from(CAUSES)),
        st.tuples(st.just("ask"), names, st.sampled_from([ActionKind.PAUSE, ActionKind.RESUME, ActionKind.ACCEPT])),
        st.tuples(st.just("lose"), minutes),
        st.tuples(st.just("break"), minutes),
        st.tuples(st.just("hold"), minutes, st.sampled_from([ALL, frozenset({DAILY})])),
        st.tuples(st.just("check"), st.booleans()),
        st.tuples(st.just("fill"), st.integers(0, 2)),
    ),
    max_size=30,
)


@dataclass
class World:
    """What a log, people and a clock may do, and the facts of it."""

    now: datetime = NOW
    pasts: dict[str, Past] = field(default_factory=dict)
    running: dict[str, DataUpdate] = field(default_factory=dict)
    asked: list[Action] = field(default_factory=list)
    breaker_until: datetime | None = None
    holds: tuple[Hold, ...] = ()
    checked: datetime | None = NOW
    sessions: int = 0
    sequence: int = 10

    def step(self, what: str, *given: Any) -> None:
        """One thing that happens."""
        getattr(self, f"_{what}")(*given)

    def facts(self) -> Facts:
        """What is known now."""
        return Facts(
            options=OPTIONS,
            now=self.now,
            pasts=dict(self.pasts),
            running=tuple(self.running.values()),
            asked=standing(self.asked),
            live=frozenset({"test"}),
            last_check=None if self.checked is None else LastCheck(at=self.checked, instance_id="test"),
            sources={
                "ERP": SourceState(
                    name="ERP", breaker_until=self.breaker_until, sessions_used=self.sessions, sessions_allowed=2
                )
            },
            holds=self.holds,
        )

    def _wait(self, span: timedelta) -> None:
        self.now += span
        if self.checked is not None:
            self.checked = self.now

    def _start(self, name: str, kind: UpdateType, instance: str) -> None:
        self.sequence += 1
        begun = update(kind, self.now, sequence=self.sequence, outcome=None, table_name=name)
        self.running[name] = replace(begun, instance_id=instance)

    def _end(self, name: str, outcome: Outcome, cause: Cause | None) -> None:
        begun = self.running.pop(name, None)
        if begun is not None:
            succeeded = outcome is Outcome.SUCCEEDED
            ended = replace(begun, outcome=outcome, was_successful=succeeded, end_dt=self.now)
            self.pasts = gone_on(self.pasts, [replace(ended, cause=None if succeeded else cause)])

    def _ask(self, name: str, kind: ActionKind) -> None:
        argument = str(self.sequence) if kind is ActionKind.ACCEPT else ""
        self._note(Action(at=self.now, who="me", kind=kind, table_name=name, argument=argument))

    def _lose(self, span: timedelta) -> None:
        self._note(
            Action(at=self.now, who="me", kind=ActionKind.CLOCK, argument=f"{self.sequence} {abs(span.seconds)}")
        )

    def _note(self, action: Action) -> None:
        self.asked.append(replace(action, sequence=len(self.asked) + 1))

    def _break(self, span: timedelta) -> None:
        self.breaker_until = self.now + span

    def _hold(self, span: timedelta, types: frozenset[UpdateType]) -> None:
        until = self.now + span
        self.holds = (Hold(source_system="ERP", types=types, until=until, cause=Cause.QUIET_HOURS, reason="quiet"),)

    def _check(self, on: bool) -> None:
        self.checked = self.now if on else None

    def _fill(self, sessions: int) -> None:
        self.sessions = sessions


@settings(max_examples=300)
@given(steps)
@example([*FAILED, ("hold", 90 * MINUTE, ALL), ("wait", HOUR), ("wait", 29 * MINUTE), ("wait", 5 * MINUTE)])
@example([("wait", 90 * MINUTE), *FAILED, ("wait", -2 * MINUTE), ("wait", 2 * MINUTE)])
def test_the_same_as_judged_anew(steps: list[tuple[Any, ...]]) -> None:
    """Whatever happens, in whatever order, a judgement that was kept is the one that would be made."""
    world, again = World(pasts={name: past(update(MASS, ago(minutes=5))) for name in NAMES[1:]}), Judge()
    for step in steps:
        world.step(*step)
        assert again(world.facts()) == judge(world.facts())


def test_only_what_changed_is_judged() -> None:
    """A table of which nothing changed is judged again only when its next limit is reached."""
    judged: list[str] = []

    def counting(config: DataSourceConfig, facts: Facts) -> TableHealth:
        judged.append(config.table_name)
        return judge_table(config, facts)

    def asked_for() -> list[str]:
        judged.clear()
        again(world.facts())
        return judged

    world, again = World(), Judge(counting)
    world.pasts = {name: past(update(MASS, ago(minutes=number))) for number, name in enumerate(NAMES, 1)}
    assert asked_for() == [*NAMES, "D"]
    world.step("wait", 30 * MINUTE)
    assert asked_for() == []
    world.step("start", "B", HOURLY, "test")
    assert asked_for() == ["B"]
    world.step("end", "B", Outcome.SUCCEEDED, None)
    assert asked_for() == ["B"]
    world.step("wait", 28 * MINUTE)
    assert asked_for() == ["C"]


def test_the_past_goes_on() -> None:
    """An update that ends is part of its table's past, once; the past of another table is the very same."""
    first = past(update(MASS, ago(hours=2), sequence=1))
    known = {"A": first, "B": past(update(MASS, ago(hours=2), sequence=2, table_name="B"))}
    failed = replace(update(HOURLY, ago(hours=1), sequence=3, outcome=Outcome.FAILED), table_name="A")
    after = gone_on(known, [failed, failed, replace(failed, sequence=9, outcome=None)])
    assert after["A"].failures == (failed,)
    assert after["B"] is known["B"]
    met = replace(update(HOURLY, ago(minutes=5), sequence=4), table_name="A")
    assert gone_on(after, [met])["A"] == Past(successes={MASS: first.successes[MASS], HOURLY: met})
    again = gone_on(gone_on(after, [met]), [failed, met])
    assert again["A"].failures == ()
