"""`afresh demo`: a simulated ERP that keeps changing, and the service that keeps a cache of it fresh."""

import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from afresh import wiring
from afresh.cli import configuration, outlook, sample_file, standing, starter
from afresh.cli.arguments import Json
from afresh.cli.demo_board import board
from afresh.cli.demo_round import last_round
from afresh.cli.exits import Exit
from afresh.cli.foreground import attended
from afresh.cli.forms import FormName
from afresh.cli.output import notices, say, write, write_json
from afresh.cli.serving import served
from afresh.cli.starter import Pace
from afresh.cli.watching import watching
from afresh.core.judgement import Judgement
from afresh.core.options import DataSyncOptions, WebConfig
from afresh.core.ports import Emit
from afresh.engine.clock import SystemClock
from afresh.engine.judging import judged
from afresh.sample.simulator import Simulator

PACE = Pace(
    check=timedelta(seconds=1),
    mass=timedelta(days=1),
    daily=timedelta(seconds=30),
    hourly=timedelta(seconds=5),
    mass_words="once a day",
)
"""An hour of a company in five seconds."""

_Played = tuple[bool, Judgement, Mapping[str, str]]

_TRANSACTIONS_PER_SECOND = 20.0
# A window reaches back three hourly intervals: well over the longest delay between a stamp and its commit.
_LONGEST_TRANSACTION = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Files:
    """Where the demo keeps its files."""

    directory: Path

    @property
    def configuration(self) -> Path:
        """The configuration of the service."""
        return self.directory / "afresh.toml"

    @property
    def source(self) -> Path:
        """The database of the simulated ERP."""
        return self.directory / starter.SOURCE_FILE

    @property
    def cache(self) -> Path:
        """The cache."""
        return self.directory / starter.CACHE_FILE


def demo(
    seconds: Annotated[
        float | None, typer.Option(help="End by itself after so long; without it, at Ctrl-C.", min=1)
    ] = None,
    directory: Annotated[Path, typer.Option(help="Where its files go.")] = Path("demo"),
    rows: Annotated[int, typer.Option(help="Rows of the sample source, in all.", min=1)] = sample_file.ROWS,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the files of an earlier demo.")] = False,
    json: Json = False,
) -> Exit:
    """Shows it at work: first loads, then changes arriving, then a status. Ends well only if every table is fresh."""
    files = Files(directory)
    _prepare(files, rows=rows, keep=keep)
    ended_by_itself, found, notes = _play(configuration.options(files.configuration), files, seconds)
    if json:
        write_json(standing.as_json(found, notes))
    else:
        standing.show(found, notes)
        _tell_what_to_try(files)
    return Exit.GOOD if found.all_fresh or not ended_by_itself else Exit.NOT_GOOD


def _prepare(files: Files, *, rows: int, keep: bool) -> None:
    files.directory.mkdir(parents=True, exist_ok=True)
    if not keep:
        for file in (files.source, files.cache, files.configuration):
            sample_file.remove(file)
    if not files.configuration.exists():
        files.configuration.write_text(starter.configuration(FormName.TOML, PACE), encoding="utf-8")
    if not files.source.exists():
        summary = sample_file.make(files.source, rows=rows, now=SystemClock().now(), stamp_indexes=True)
        say(f"Made {files.source}: {len(summary.rows)} tables, {summary.total:,} rows.")


def _play(options: DataSyncOptions, files: Files, seconds: float | None) -> _Played:
    """The demo itself: whether it ended by itself, the status at its end, and what is to be known of tables."""
    until = "until Ctrl-C" if seconds is None else f"for {seconds:g} seconds"
    say(f"A simulated ERP now changes the source, and the service keeps {files.cache} fresh, {until}.")
    interrupted = threading.Event()
    with ExitStack() as stack:
        emit = stack.enter_context(_shown(options))
        quiet = stack.enter_context(_simulating(files.source))
        service = stack.enter_context(served(replace(options, web=options.web or WebConfig()), emit))

        def end() -> None:
            quiet()
            service.stop()

        def interrupt() -> None:
            interrupted.set()
            service.stop()

        if seconds is not None:
            timer = threading.Timer(seconds, end)
            timer.daemon = True
            timer.start()
            stack.callback(timer.cancel)
        attended(service.run, interrupt, lambda: service.stop(at_once=True))
        finisher = wiring.assemble(options, emit=emit)
        stack.callback(finisher.release)
        if not interrupted.is_set():
            attended(lambda: last_round(finisher))
        found = judged(finisher)
        return not interrupted.is_set(), found, outlook.notes(finisher, found)


@contextmanager
def _shown(options: DataSyncOptions) -> Iterator[Emit]:
    """A live view on a terminal, log lines elsewhere."""
    console = notices()
    names = tuple(source.table_name for source in options.data_sources)
    with board(console, names) if console.is_terminal else watching() as emit:
        yield emit


@contextmanager
def _simulating(source: Path) -> Iterator[Callable[[], None]]:
    """The ERP at work in a thread, until the context ends or what it gives is called."""
    stop = threading.Event()
    with Simulator(
        source,
        clock=SystemClock(),
        seed=sample_file.SEED,
        transactions_per_second=_TRANSACTIONS_PER_SECOND,
        time_zone=starter.TIME_ZONE,
        longest_transaction=_LONGEST_TRANSACTION,
    ) as simulator:
        thread = threading.Thread(target=simulator.run, args=(stop,), name="afresh-simulator", daemon=True)
        thread.start()

        def quiet() -> None:
            stop.set()
            thread.join()

        try:
            yield quiet
        finally:
            quiet()


def _tell_what_to_try(files: Files) -> None:
    command = "afresh" if shutil.which("afresh") else sys.argv[0]
    named = f"-c {files.configuration}"
    write(f"\nThe files are {files.source} (the ERP), {files.cache} (the cache) and {files.configuration}. Try:")
    tries = [
        (f"{command} plan WorkOrder {named}", "what would run next, and with which SQL"),
        (f"{command} history {named}", "every sync that ran"),
        (f"{command} run {named}", "go on; and from another terminal:"),
        (f"{command} status {named}", "how the tables stand"),
    ]
    if shutil.which("sqlite3"):
        tries.append((f"sqlite3 {files.cache} 'SELECT * FROM LastDataUpdates'", "look into the cache"))
    width = max(len(line) for line, _what in tries)
    for line, what in tries:
        write(f"  {line:<{width}}  {what}")
