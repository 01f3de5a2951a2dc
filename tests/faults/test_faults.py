"""A run with every fault leaves no session open on the source and no row wrong in the cache."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.caches.sqlite_rig import SqliteRig
from tests.caches_duckdb.duckdb_rig import DuckdbRig
from tests.faults.faults import FAULTS, LOCKED, suffer
from tests.faults.mariadb_origin import MariadbOrigin
from tests.faults.origin import Origin, origin_of
from tests.faults.postgres_origin import PostgresOrigin
from tests.faults.trial import Trial, trial_of
from tests.sources.mysql_source_rig import MysqlSourceRig
from tests.sources.odbc_drivers import without_mariadb
from tests.sources.postgres_source_rig import PostgresSourceRig

from afresh.core.model import UpdateType
from afresh.testing.kit_rig import CacheRig
from afresh.testing.source_kit_rig import SourceRig

SEED = 20261126
HEALTHY = 0.3
"""How often all is well for a moment between two faults."""

FULL = bool(os.environ.get("AFRESH_TEST_FULL"))
OVER_ODBC = {"dropped at 50 %", "silent from the start", "cancelled in silence", "wrong password", "column changed"}

pytestmark = pytest.mark.timeout(600 if FULL else 150)


@contextmanager
def trials(make: type[Origin], source: SourceRig, cache: CacheRig, directory: Path) -> Iterator[Trial]:
    """A trial of a source and a cache."""
    with ExitStack() as stack:
        origin = stack.enter_context(origin_of(make, source))
        yield stack.enter_context(trial_of(origin, cache, directory, SEED))


def recovered(trial: Trial) -> None:
    """Once the faults have ended, an Hourly of each table brings what was changed, and a Mass what was deleted."""
    trial.settle(UpdateType.HOURLY)
    trial.cache_equals_source(("Merged",))
    trial.settle(UpdateType.MASS)
    trial.cache_equals_source()
    trial.no_session_is_left()
    trial.reader_saw_nothing_wrong()
    assert trial.running() == []
    assert trial.reader.looks > 10


def test_every_fault_of_postgres(tmp_path: Path) -> None:
    """One after the other, with the source changing all the time and a reader looking at the cache."""
    with trials(PostgresOrigin, PostgresSourceRig(), SqliteRig(), tmp_path) as trial:
        for fault in (*FAULTS.values(), LOCKED):
            trial.settle(fault.update_type)
            suffer(trial, fault)
        recovered(trial)


def test_faults_at_random(tmp_path: Path) -> None:
    """In an order that a seed gives, with moments of health between or not, into a DuckDB cache."""
    with trials(PostgresOrigin, PostgresSourceRig(), DuckdbRig(), tmp_path) as trial:
        for name in trial.draw.choices(list(FAULTS), k=50 if FULL else 5):
            suffer(trial, FAULTS[name], healthy=False)
            if trial.draw.random() < HEALTHY:
                trial.settle(UpdateType.HOURLY)
        recovered(trial)


@without_mariadb()
def test_every_fault_of_mariadb(tmp_path: Path) -> None:
    """The same over ODBC: some of them, or all with `AFRESH_TEST_FULL=1`, because a login of it waits for seconds."""
    with trials(MariadbOrigin, MysqlSourceRig(), SqliteRig(), tmp_path) as trial:
        for name, fault in FAULTS.items():
            if FULL or name in OVER_ODBC:
                trial.settle(fault.update_type)
                suffer(trial, fault)
        recovered(trial)
