"""Measures a part: both sides in turn, each run in a process of its own, each run checked."""

import json
import statistics
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.part import Case, Job, Part, Work, WrongWork

SIDES = ("bare", "afresh")
LARGE = 2_000_000
"""The first case of a part, which fills everything, is run once for tables that are larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One run."""

    seconds: float
    processor: float
    peak_mb: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case at one size: the runs of both sides, which belong together in pairs."""

    part: str
    case: Case
    table_rows: int
    bare: tuple[Figure, ...]
    afresh: tuple[Figure, ...]

    @property
    def ratio(self) -> float:
        """How many times the bare driver's time ours is: the median of the pairs'."""
        return statistics.median(ours.seconds / its.seconds for its, ours in self._pairs())

    @property
    def processor_ratio(self) -> float:
        """The same of processor time, a server's of ours included: what else runs on the machine hardly shows."""
        return statistics.median(ours.processor / max(its.processor, 0.001) for its, ours in self._pairs())

    @property
    def peak_mb(self) -> int:
        """The most memory that our process held in any run."""
        return max(figure.peak_mb for figure in self.afresh)

    def seconds(self, who: str) -> float:
        """The median time of a side."""
        return statistics.median(figure.seconds for figure in (self.bare if who == "bare" else self.afresh))

    def _pairs(self) -> Iterator[tuple[Figure, Figure]]:
        return zip(self.bare, self.afresh, strict=True)


def compare(part: Part, directory: Path, rows: int, runs: int, cases: Collection[str] = ()) -> Iterator[Result]:
    """The results of a part at one size, case by case; of the rounds that have one of these cases, or of all.

    The first round is always run, once at least: it is what the others begin with.
    """
    with part.ground(directory, rows) as address:
        for place, round_ in enumerate(part.rounds):
            asked = not cases or any(case.name in cases for case in round_)
            if asked or place == 0:
                once = place == 0 and (not asked or rows > LARGE)
                yield from _round(part, round_, address, rows, 1 if once else runs)


def _round(part: Part, round_: tuple[Case, ...], address: str, rows: int, runs: int) -> Iterator[Result]:
    found: dict[tuple[str, str], list[Figure]] = {(case.name, who): [] for case in round_ for who in SIDES}
    for run in range(1, runs + 1):
        for case in round_:
            # Whoever comes second finds a warmer or a more worn machine: so each does in turn.
            for who in SIDES if run % 2 else reversed(SIDES):
                job = Job(part=part.name, case=case.name, who=who, address=address, rows=rows, run=run)
                found[case.name, who].append(measure(part, job))
    for case in round_:
        bare, afresh = (tuple(found[case.name, who]) for who in SIDES)
        yield Result(part=part.name, case=case, table_rows=rows, bare=bare, afresh=afresh)


def measure(part: Part, job: Job) -> Figure:
    """One checked run."""
    before = part.prepare(job)
    served = part.server_seconds(job.address)
    command = [sys.executable, "-m", "bench.child", json.dumps(asdict(job))]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise WrongWork(f"{job}: {done.stderr}")
    found = json.loads(done.stdout)
    processor = found["processor"] + part.server_seconds(job.address) - served
    part.check(job, before, Work(rows=found["rows"], counts=found["counts"]))
    return Figure(seconds=found["seconds"], processor=processor, peak_mb=found["peak_mb"], rows=found["rows"])
