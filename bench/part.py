"""What is measured: a part is one thing of ours beside the bare driver that does the same work."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One piece of work of a part. `limit`: how many times the bare driver's time it may take."""

    name: str
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a case, by one of the two sides.

    `address` is what the part's ground gave; `run` counts from 1, and both sides have each run.
    """

    part: str
    case: str
    who: str
    address: str
    rows: int
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a side says that it did: the rows it read, and its own counts of what it wrote if it has them."""

    rows: int
    counts: Mapping[str, int] | None = None


class WrongWork(Exception):
    """A side did not do what the case asks for, so its time means nothing."""


class Part(ABC):
    """A kind of work, done by us and by the bare driver. `bare` and `afresh` are timed, each in a process of its own.

    A round is a list of cases that follow each other on the same data; rounds are repeated, and each side does each
    case of one before the next is begun.
    """

    name: str
    sizes: tuple[int, ...] = (1_000_000, 5_000_000)
    rounds: tuple[tuple[Case, ...], ...]

    def missing(self) -> str | None:
        """Why it cannot run here; None if it can."""
        return None

    @abstractmethod
    def ground(self, directory: Path, rows: int) -> AbstractContextManager[str]:
        """Makes what both sides read, and starts what they need; gives the address that jobs have."""

    @abstractmethod
    def prepare(self, job: Job) -> object:
        """Makes everything ready for a run; what it returns is handed to `check`."""

    def begin(self, job: Job) -> None:  # noqa: B027 - most parts have imported all they need
        """Imports what our side needs, as the bare driver is imported: before the clock runs, whoever's run it is."""

    @abstractmethod
    def bare(self, job: Job) -> Work:
        """The work by hand."""

    @abstractmethod
    def afresh(self, job: Job) -> Work:
        """The work as the service does it."""

    @abstractmethod
    def check(self, job: Job, before: object, work: Work) -> None:
        """Raises `WrongWork` unless the run did all that the case asks for, and nothing else."""

    def server_seconds(self, address: str) -> float:
        """Processor seconds that a server of ours has used so far; 0 where there is none."""
        return 0.0
