"""A small place to run commands in: a source with two tables, a fetcher that takes its time, a configuration."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from afresh.cli import configuration
from afresh.cli.app import app
from afresh.engine.service import Service

PATIENCE = 50.0
"""Seconds after which something that should have happened has not."""

_SOURCE = """
CREATE TABLE Part (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL, Changed TEXT);
INSERT INTO Part VALUES
    (1, 'bolt', '2026-01-01 10:00:00'), (2, 'nut', '2026-01-02 10:00:00'), (3, '[red]seal', NULL);
CREATE TABLE F4111 (ILUKID NUMBER NOT NULL PRIMARY KEY, ILITM NUMBER, ILCRDJ NUMBER, ILTDAY NUMBER);
INSERT INTO F4111 VALUES (1, 60001, 126001, 5), (2, 60002, 126002, 91500);
"""

_CONFIGURATION = """
[data_sync]
check_interval = "1s"
shutdown_timeout = "{grace}"

[data_sync.cache]
url = "sqlite:///cache.db"

[data_sync.source_systems.ERP]
kind = "sqlite"
path = "source.db"
time_zone = "America/Chicago"

[[data_sync.data_sources]]
table_name = "Part"
source_system = "ERP"
fetcher = "table"
fetcher_options = {{ cursor = ["Changed"], cursor_type = "datetime" }}
mass = {{ interval = "7d" }}
hourly = {{ interval = "1h" }}

[[data_sync.data_sources]]
table_name = "LotUsage"
source_system = "ERP"
fetcher = "jde:F4111"
fetcher_options = {{ columns = ["ILUKID", "ILITM"] }}
mass = {{ interval = "7d", prepurge_data = true }}
daily = {{ interval = "1d" }}
"""

_SLOW = """
[[data_sync.data_sources]]
table_name = "Slow"
source_system = "ERP"
fetcher = "slow:Numbers"
mass = { interval = "7d" }
"""

_DEAF = """
[[data_sync.data_sources]]
table_name = "Slow"
source_system = "ERP"
fetcher = "table"
fetcher_options = { table = "Part" }
post_processor = "slow:Deaf"
mass = { interval = "7d" }
"""

_SLOW_MODULE = '''
"""Rows that take their time, and a post-processor that does not listen."""

import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa


@dataclass
class Number:
    Id: int


class Numbers:
    row_type = Number
    key = ("Id",)

    def fetch(self, minimum_dt):
        for number in range(100_000):
            time.sleep(0.05)
            yield pa.record_batch({"Id": pa.array([number], pa.int64())})


class Deaf:
    def process(self, table_name, cancel):
        Path("it-does-not-listen").touch()
        time.sleep(600)
'''


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one test."""

    path: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def configuration(self) -> Path:
        """The configuration file."""
        return self.path / "afresh.toml"

    def configure(self, *, slow: bool = False, deaf: bool = False, grace: str = "30s") -> None:
        """Writes the configuration. With `slow` there is a third table whose sync goes on and on, with `deaf` one
        whose sync ends neither by itself nor when it is asked to."""
        (self.path / "slow.py").write_text(_SLOW_MODULE)
        text = _CONFIGURATION.format(grace=grace) + (_SLOW if slow else "") + (_DEAF if deaf else "")
        self.configuration.write_text(text)

    def afresh(self, command: str, *arguments: str) -> Ran:
        """The command in this process, with our configuration."""
        return self.bare(command, *arguments, "-c", str(self.configuration))

    def bare(self, *arguments: str) -> Ran:
        """The command in this process, as it is."""
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app(list(arguments), prog_name="afresh")
        shown = self.capsys.readouterr()
        return Ran(int(ended.value.code or 0), shown.out, shown.err)

    @contextmanager
    def at_work(self) -> Iterator[Service]:
        """A service of this process that has looked just now and does nothing more, as others see it."""
        service = configuration.service(self.configuration)
        service.recover()
        service.note_check()
        try:
            yield service
        finally:
            service.release()

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The command in a process of its own, which does not outlive the context."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(self.path), *sys.path])}
        process = subprocess.Popen(
            [sys.executable, "-m", "afresh", *arguments],
            cwd=self.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def wait_until_slow_runs(self, process: subprocess.Popen[str]) -> None:
        """Returns when the process has begun the sync of Slow."""
        wait_until(
            lambda: self.cached("SELECT 1 FROM DataUpdate WHERE TableName = 'Slow' AND NumberRecords = -2") != [],
            "the sync of Slow runs",
            process,
        )

    def cached(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the cache; none as long as there is no such table."""
        return rows(self.path / "cache.db", statement)

    def change_source(self, statements: str) -> None:
        """Changes the source."""
        with closing(sqlite3.connect(self.path / "source.db")) as connection:
            connection.executescript(statements)


def make(path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    """A place with source and configuration."""
    place = Place(path, capsys)
    place.configure()
    place.change_source(_SOURCE)
    return place


def rows(database: Path, statement: str) -> list[tuple[object, ...]]:
    """Rows of a SQLite file, read as another program would; none as long as it or the table is not there."""
    if not database.exists():
        return []
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        try:
            return connection.execute(statement).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return []
            raise


def wait_until(true: Callable[[], bool], what: str, process: subprocess.Popen[str]) -> None:
    """Returns as soon as it is true; fails the test if it does not become so, or the process ends before."""
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert process.poll() is None, f"the process ended before {what}: {ended(process)}"
        assert time.monotonic() < give_up, f"waited {PATIENCE} s in vain until {what}"
        time.sleep(0.02)


def ended(process: subprocess.Popen[str]) -> Ran:
    """How a process ended, which it does soon."""
    out, err = process.communicate(timeout=PATIENCE)
    return Ran(process.returncode, out, err)


def stopped(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[Ran, float]:
    """How the process ended after the signals, and how many seconds after the last."""
    for number in signals:
        process.send_signal(number)
        began = time.monotonic()
        time.sleep(0.2)
    ran = ended(process)
    return ran, time.monotonic() - began


_VARYING = (
    (re.compile(r"(?<=parameters ).*"), "<values>"),
    (re.compile(r"(?<=-c )\S*afresh.toml"), "<file>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"), "<instant>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "<reading>"),
    (re.compile(r"\b\d+ h \d\d min|\b\d+ d \d\d h|\b\d+ min \d\d s|\b\d+\.\d s"), "<span>"),
    (re.compile(r" {3,}"), "   "),
    (re.compile(r" +$", re.MULTILINE), ""),
)


def steady(text: str) -> str:
    """The text with what differs from run to run replaced, and columns as far apart as three spaces."""
    for pattern, instead in _VARYING:
        text = pattern.sub(instead, text)
    return text


def check_golden(name: str, text: str) -> None:
    """The text is what the file says; with AFRESH_WRITE_GOLDEN set the file is written instead."""
    file = Path(__file__).parent / "golden" / name
    if os.environ.get("AFRESH_WRITE_GOLDEN"):
        file.write_text(steady(text), encoding="utf-8")
    assert steady(text) == file.read_text(encoding="utf-8")
