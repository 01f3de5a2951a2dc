"""A stand-in for SQL Server that a source reads over the wire: it speaks TDS, and answers what it was told to.

It shows what the driver makes of a source's statements and of the server's answers, not that SQL Server takes them.
Values of `max` columns that are longer than a packet need a process of their own: see `sqlserver_apart`.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from tests.tds_front import types
from tests.tds_front.server import Front, Login, Parameter, Result, ServerError
from tests.tds_front.tokens import Column
from tests.tds_front.types import Type

from afresh.sources.sqlserver import SqlServerSource
from afresh.sources.sqlserver_options import SqlServerOptions

INT, BIGINT = Type(code=types.INTN, length=4), Type(code=types.INTN, length=8)
BIT, FLOAT, MONEY = Type(code=types.BITN, length=1), Type(code=types.FLTN, length=8), Type(code=types.MONEYN, length=8)
NVARCHAR, LONG = Type(code=types.NVARCHAR, length=512), Type(code=types.NVARCHAR, length=0xFFFF)
DATETIME2, DATE = Type(code=types.DATETIME2N, scale=6), Type(code=types.DATEN)
BYTES = Type(code=types.VARBINARY, length=0xFFFF)
NOW = datetime(2026, 3, 2, 8, 0)  # noqa: DTZ001 - a reading of UTC, as the server gives it

Answer = Callable[[threading.Event], Iterable[Result]]


def result(columns: dict[str, Type], rows: Iterable[Sequence[Any]] = ()) -> Answer:
    """Rows of columns."""
    kept = list(rows)
    return lambda _stop: [Result(columns=[Column(name=n, type=t) for n, t in columns.items()], rows=kept)]


def number(value: int) -> Answer:
    """One row with one number."""
    return result({"n": INT}, [(value,)])


@dataclass
class Answers:
    """What the server says to statements that match, the last one told first; to others it says that all went well."""

    told: list[tuple[str, Answer]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refused: ServerError | None = None

    def tell(self, pattern: str, answer: Answer) -> None:
        """From now on."""
        self.told.insert(0, (pattern, answer))

    def fail(self, pattern: str, error: ServerError) -> None:
        """From now on."""

        def raises(_stop: threading.Event) -> Iterable[Result]:
            raise error

        self.tell(pattern, raises)


class AnswerEngine:
    """One connection."""

    in_transaction = False

    def __init__(self, answers: Answers, _login: Login) -> None:
        if answers.refused is not None:
            raise answers.refused
        self._answers = answers
        self._stop = threading.Event()

    def execute(self, sql: str, parameters: Sequence[Parameter]) -> Iterator[Result]:
        """What it was told to say."""
        self._answers.sent.append(sql)
        del parameters
        for pattern, answer in self._answers.told:
            if re.search(pattern, sql):
                yield from answer(self._stop)
                return
        yield Result()

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Nobody loads into a source."""
        raise ServerError(229, f"The INSERT permission was denied on {table}: {columns}, {rows}")

    def transact(self, word: str) -> None:
        """The driver's own transactions."""

    def reset(self) -> None:
        """Used again."""
        self._stop.clear()

    def interrupt(self) -> None:
        """From another thread."""
        self._stop.set()

    def close(self) -> None:
        """Gone."""
        self._stop.set()


@dataclass
class SourceBench:
    """A source and the server that it reads."""

    answers: Answers
    front: Front

    def source(self, zone: str = "UTC", **options: Any) -> SqlServerSource:
        """A source over the wire."""
        return source_at(self.front.port, zone, **options)


def source_at(port: int, zone: str = "UTC", **options: Any) -> SqlServerSource:
    """A source over the wire, of a server on that port."""
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "database": "JDE",
        "user": "reader",
        "password": SecretStr("hunter2"),
        "encrypt": "no",
        "query_timeout": timedelta(seconds=30),
    }
    return SqlServerSource(
        name="Kit", options=SqlServerOptions(**(settings | options)), time_zone=ZoneInfo(zone), show_values=False
    )


def source_bench() -> SourceBench:
    """A server that says that snapshots are allowed, and its clock."""
    answers = Answers()
    answers.tell("snapshot_isolation_state", number(1))
    answers.tell("SYSUTCDATETIME", result({"now": DATETIME2, "age": BIGINT}, [(NOW, 60_000_000)]))
    return SourceBench(answers=answers, front=Front(lambda login: AnswerEngine(answers, login)))
