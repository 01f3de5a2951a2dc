"""How every table stands, why, and what its last sync did, as text or JSON."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from afresh.cli.exits import Exit, meaning
from afresh.cli.outlook import notes
from afresh.cli.output import grid, results, shown, write_json
from afresh.core import account, phrases
from afresh.core.account import JsonValue
from afresh.core.facts import SourceState
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.sentences import Sentences
from afresh.core.states import LOOKS, Health, State
from afresh.core.troubles import Trouble, troubles
from afresh.engine.judging import judged
from afresh.engine.service import Service

_WATCH_SECONDS = 2.0
_TURN_SECONDS = 0.1
_SKEW = timedelta(seconds=5)
"""A clock that is nearer to ours is not worth a line."""
_STYLES = {"grey": "dim"}
_BOLD = frozenset({State.STOPPED, State.LATE})
_SHOWN = 60
"""So many tables are shown; of more, the worst."""
_NAMED = 8
"""So many tables of one cause, or with a note, are named; of more it is enough to know how many there are."""
_TOLD = 20
"""So many causes are told."""


def told(service: Service, shape: "Shape", *, watch: bool) -> Exit:
    """Tells how things stand with the tables of a service: once, or again and again until Ctrl-C."""
    if watch:
        return exit_of(watched(service, shape))
    found = judged(service)
    shape.write(found, notes(service, found))
    return exit_of(found)


def exit_of(found: Judgement) -> Exit:
    """Good if every table is healthy."""
    if found.unseen is not None:
        return meaning(found.unseen)
    return Exit.GOOD if found.health is Health.HEALTHY else Exit.NOT_GOOD


def watched(service: Service, shape: "Shape") -> Judgement:
    """Shows it again and again until Ctrl-C; the last that was seen. On a terminal in place, elsewhere one after the
    other."""
    with _interrupts() as interrupted, ExitStack() as stack:
        put = shape.write
        if not shape.json and results().is_terminal:
            live = stack.enter_context(Live(console=results(), auto_refresh=False, screen=True))
            put = partial(shape.draw, live)
        while True:
            found = judged(service)
            put(found, notes(service, found))
            if interrupted(_WATCH_SECONDS):
                return found


@contextmanager
def _interrupts() -> Iterator[Callable[[float], bool]]:
    """While open, Ctrl-C is noted instead of raised, for it may be raised where it gets lost. What is given waits so
    many seconds at most, and tells whether it came."""
    came: list[int] = []

    def wait(seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not came and time.monotonic() < until:
            time.sleep(_TURN_SECONDS)
        return bool(came)

    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield wait
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How the status is told: as JSON or as a table, of the worst or of all, with the configuration as it was named."""

    config: Path | None
    json: bool
    every: bool

    def write(self, found: Judgement, told: Mapping[str, str], console: Console | None = None) -> None:
        """Writes it, to stdout if no console is given. `told` is what is to be known, by table."""
        console = console or results()
        if self.json:
            write_json(as_json(found, told, self.config), console.file)
        else:
            show(found, told, self.config, every=self.every, console=console)

    def draw(self, live: Live, found: Judgement, told: Mapping[str, str]) -> None:
        """Draws it in the place of what was there."""
        drawn = Group(
            Text(f"{found.health} at {phrases.instant(found.at)}; Ctrl-C ends this.\n", style="bold"),
            _table(found, every=self.every),
            *(Text(line) for line in _left_out(found, every=self.every)),
            Text(""),
            *(shown(line) for line in _below(found, told, self.config)),
        )
        live.update(drawn, refresh=True)


def show(
    found: Judgement,
    told: Mapping[str, str],
    config: Path | None = None,
    *,
    every: bool = False,
    console: Console | None = None,
) -> None:
    """The status as a table, with what is wrong and what is to be known below it."""
    console = console or results()
    console.print(_table(found, every=every))
    for line in _left_out(found, every=every):
        console.print(line)
    console.print()
    for line in _below(found, told, config):
        console.print(shown(line), soft_wrap=True)


def _left_out(found: Judgement, *, every: bool) -> Iterator[str]:
    more = len(found.tables) - _SHOWN
    if more > 0 and not every:
        yield f"and {more:,} more that stand no worse (--all shows them)"


def _table(found: Judgement, *, every: bool) -> Table:
    columns = ("Table", "Source", "State", "Data as of", "Age", "Limit", "Next", "Last sync", "Read", "Changed")
    table = grid(columns, frozenset(("Age", "Limit", "Read")))
    for health in found.worst_first if every else found.worst_first[:_SHOWN]:
        last = health.latest
        table.add_row(
            shown(health.table_name),
            shown(health.source_system),
            state_text(health),
            phrases.instant(health.data_as_of),
            phrases.NOTHING if health.state is State.UNKNOWN else phrases.span(health.age_at(found.at)),
            phrases.span(health.limit),
            phrases.relative(health.next_at, found.at),
            str(last.update_type) if last else phrases.NOTHING,
            f"{last.number_records:,}" if last else phrases.NOTHING,
            phrases.changes(last.counts) if last else phrases.NOTHING,
        )
    return table


def state_text(health: TableHealth) -> Text:
    """A state as it is shown: sign, word and colour."""
    look = LOOKS[health.state]
    colour = _STYLES.get(look.colour, look.colour)
    return Text(f"{look.glyph} {health.state}", style=f"bold {colour}" if health.state in _BOLD else colour)


def _below(found: Judgement, told: Mapping[str, str], config: Path | None) -> Iterator[str]:
    """What keeps tables from being fresh, each cause once and the worst first; what is to be known; the sum of it."""
    known = troubles(found)
    for trouble in known[:_TOLD]:
        yield from _problem(trouble, trouble.told(found, given(config)))
        yield ""
    if len(known) > _TOLD:
        yield f"and {len(known) - _TOLD} more causes (afresh why TABLE)"
    yield from list(told.values())[:_NAMED]
    if len(told) > _NAMED:
        yield f"and {len(told) - _NAMED} more such tables (afresh why TABLE)"
    for source in found.sources:
        if unusual := "; ".join(_of_source(source, found.at)):
            yield f"{source.name}: {unusual}."
    states = Counter(table.state for table in found.tables)
    counted = ", ".join(f"{states[state]} {state.lower()}" for state in State if states[state])
    yield f"{found.health}: {counted or 'there are no tables'}."


def _of_source(source: SourceState, now: datetime) -> Iterator[str]:
    """What is out of the ordinary with a source."""
    if source.stopped:
        yield "the login was refused twice, and is not tried again until the settings change or `afresh reset`"
    elif source.breaker_until is not None and source.breaker_until > now:
        yield f"it failed again and again, and is tried again at {phrases.instant(source.breaker_until)}"
    elif source.breaker_until is not None:
        yield "it failed again and again, and one sync tries whether it is back"
    if source.quiet_until is not None:
        yield f"quiet hours until {phrases.instant(source.quiet_until)}"
    if source.skew is not None and abs(source.skew) >= _SKEW:
        yield phrases.skew(source.skew)


def _problem(trouble: Trouble, words: Sentences) -> Iterator[str]:
    names = ", ".join(table.table_name for table in trouble.tables[:_NAMED])
    more = f" and {len(trouble.tables) - _NAMED} more" if len(trouble.tables) > _NAMED else ""
    first = trouble.worst
    yield f"{LOOKS[first.state].glyph} {first.state}, {first.cause}: {names}{more}"
    yield f"    what   {words.happened}"
    yield f"    where  {words.where}"
    yield f"    safe?  {words.safe}"
    yield f"    next   {words.next}"
    yield f"    you    {words.you}"
    if first.unseen is not None and first.unseen.hint:
        yield f"           {first.unseen.hint}"


def given(config: Path | None) -> str | None:
    """The configuration as commands that are shown have to name it: as it was named to us."""
    return None if config is None else str(config)


def as_json(found: Judgement, told: Mapping[str, str], config: Path | None = None) -> JsonValue:
    """The status with the names that `--json` promises. `told` is what is to be known, by table."""
    return {
        "at": phrases.iso(found.at),
        "health": str(found.health),
        "error": None if found.unseen is None else str(found.unseen),
        "tables": [
            account.of_table(table, found.told(table, given(config)), found.at) | {"note": told.get(table.table_name)}
            for table in found.tables
        ],
        "sources": [account.of_source(source) for source in found.sources],
    }
