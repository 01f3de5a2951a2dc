"""Makes the sample source, and shows how far it is."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from afresh.cli.output import notices, say
from afresh.cli.starter import TIME_ZONE
from afresh.sample.source import SampleSummary, create

ROWS = 200_000
SEED = 1


def make(path: Path, *, rows: int, now: datetime, stamp_indexes: bool) -> SampleSummary:
    """The sample source at that path; a bar on a terminal, a line elsewhere."""
    console = notices()
    if not console.is_terminal:
        say(f"Making the sample source {path} with about {rows:,} rows.")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    made: dict[str, int] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Making the sample source", total=rows)

        def told(table: str, count: int) -> None:
            made[table] = count
            progress.update(bar, completed=sum(made.values()))

        return create(
            path, now=now, rows=rows, seed=SEED, time_zone=TIME_ZONE, progress=told, stamp_indexes=stamp_indexes
        )


def remove(path: Path) -> None:
    """Deletes a SQLite file and what belongs to it, if it is there."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
