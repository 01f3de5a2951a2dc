"""Keeping up with the log says what reading all of it says."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from afresh.caches.sqlite import SqliteCache
from afresh.core.model import FAILED_RECORDS, Completion, DataUpdate, Outcome, UpdateType
from afresh.core.options import CacheConfig
from afresh.core.ports import UpdateLog
from afresh.engine.pasts import Pasts, whole
from afresh.testing.clock import START

NAMES = tuple("ABCDEFGH")


@dataclass
class Writer:
    """Syncs of several tables, as a log has them."""

    log: UpdateLog
    open: dict[str, str] = field(default_factory=dict)
    number: int = 0

    def start(self, name: str, kind: UpdateType) -> None:
        """Opens an update, if none of the table is open."""
        if name not in self.open:
            self.number += 1
            self.open[name] = f"{self.number:032x}"
            self.log.start(
                DataUpdate(
                    table_name=name,
                    source_system="ERP",
                    update_type=kind,
                    operation_id=self.open[name],
                    instance_id="test",
                    start_dt=START + timedelta(minutes=self.number),
                )
            )

    def end(self, name: str, outcome: Outcome) -> None:
        """Ends the table's update, if one is open."""
        if name in self.open:
            self.log.complete(
                Completion(
                    operation_id=self.open.pop(name),
                    end_dt=START + timedelta(minutes=self.number),
                    outcome=outcome,
                    number_records=0 if outcome is Outcome.SUCCEEDED else FAILED_RECORDS,
                )
            )

    def sync(self, name: str, kind: UpdateType, outcome: Outcome) -> None:
        """An update that begins and ends."""
        self.start(name, kind)
        self.end(name, outcome)


@pytest.fixture
def writer(directory: Path) -> Writer:
    """A writer of an empty log in a real file."""
    return Writer(SqliteCache(directory / "cache.db", CacheConfig(url="sqlite:///cache.db")).log)


@pytest.mark.parametrize("seed", range(4))
def test_as_if_all_were_read(writer: Writer, seed: int) -> None:
    """Whatever begins and ends between two looks, few or many, is seen by the next look."""
    chance, pasts = random.Random(seed), Pasts()
    for _ in range(40):
        for _ in range(chance.choice([0, 1, 3, 30, 130])):
            if chance.random() < 0.5:
                writer.start(chance.choice(NAMES), chance.choice(list(UpdateType)))
            else:
                writer.end(chance.choice(NAMES), chance.choice(list(Outcome)))
        running = writer.log.history(open_only=True)
        assert dict(pasts(writer.log, running)) == whole(writer.log)


def test_one_that_was_open_for_long(writer: Writer) -> None:
    """An update that began long before many others is seen when it ends."""
    pasts = Pasts()
    writer.start("A", UpdateType.MASS)
    pasts(writer.log)
    for _ in range(5):
        for _ in range(9):
            writer.sync("B", UpdateType.HOURLY, Outcome.SUCCEEDED)
        known = pasts(writer.log)
    writer.end("A", Outcome.SUCCEEDED)
    after = pasts(writer.log)
    assert set(after["A"].successes) == {UpdateType.MASS}
    assert after["B"] is known["B"]


def test_another_log_in_its_place(writer: Writer, directory: Path) -> None:
    """A log that was replaced by another one is read anew."""
    pasts = Pasts()
    writer.sync("A", UpdateType.MASS, Outcome.SUCCEEDED)
    pasts(writer.log)
    (directory / "other").mkdir()
    other = Writer(SqliteCache(directory / "other" / "cache.db", CacheConfig(url="sqlite:///cache.db")).log, number=9)
    other.sync("B", UpdateType.MASS, Outcome.SUCCEEDED)
    assert set(pasts(other.log)) == {"B"}
    assert not pasts(SqliteCache(directory / "none.db", CacheConfig(url="sqlite:///none.db")).log)


def test_all_is_read_now_and_then(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was purged is forgotten when all is read again, once a minute."""
    seconds = [1000.0]
    monkeypatch.setattr("afresh.engine.pasts.time.monotonic", lambda: seconds[0])
    pasts = Pasts()
    writer.sync("A", UpdateType.MASS, Outcome.FAILED)
    writer.sync("B", UpdateType.MASS, Outcome.SUCCEEDED)
    assert set(pasts(writer.log)) == {"A", "B"}
    writer.log.purge(START + timedelta(days=1))
    known = pasts(writer.log)
    assert set(known) == {"A", "B"}
    seconds[0] += 61
    found = pasts(writer.log)
    assert set(found) == {"B"}
    assert found["B"] is known["B"]
