"""One workload on all caches gives the same rows and the same counts, and those that the specification says."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from tests.caches.postgres_rig import postgres_bench
from tests.caches.sqlite_rig import SqliteRig
from tests.caches_duckdb.duckdb_rig import duckdb_bench
from tests.caches_sqlserver import sqlserver_rig
from tests.caches_sqlserver import test_sqlserver_fake_kit as sqlserver_fake
from tests.differential.workloads import Workload, expected, performed, workloads

from afresh.core.model import Outcome
from afresh.testing.kit_rig import Bench, on_bench


@contextmanager
def benches() -> Iterator[dict[str, Bench]]:
    """Every cache that can be had here; SQL Server as a fake unless a server is named."""
    sqlserver = sqlserver_rig.SqlServerRig() if sqlserver_rig.URL else sqlserver_fake.TestOnFakeServer()
    with ExitStack() as stack:
        yield {
            "SQLite": stack.enter_context(on_bench(SqliteRig())),
            "DuckDB": stack.enter_context(duckdb_bench()),
            "PostgreSQL": stack.enter_context(postgres_bench()),
            "SQL Server": stack.enter_context(on_bench(sqlserver)),
        }


@pytest.mark.timeout(300)
def test_caches_agree() -> None:
    """Windows, Mass by merge, reloads, failures and new columns come to the same everywhere, step by step."""
    numbers = count()
    kinds: Counter[str] = Counter()

    with benches() as there:

        @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(workloads())
        def agree(workload: Workload) -> None:
            table_name = f"T{next(numbers)}"
            wanted = expected(workload)
            for name, bench in there.items():
                found = performed(bench, workload, table_name)
                for step, one, other in zip(workload.steps, found, wanted, strict=True):
                    assert one == other, (name, step)
                assert _outcomes(bench, table_name) == _outcomes(there["SQLite"], table_name), name
            kinds.update(type(step).__name__ for step in workload.steps)

        agree()
    assert kinds["Sync"] > 20
    assert kinds["Widen"] > 3


def _outcomes(bench: Bench, table_name: str) -> list[tuple[Outcome | None, int, object]]:
    """What the log says of the table's syncs."""
    return [
        (update.outcome, update.number_records, update.counts)
        for update in bench.cache.log.history(table_name=table_name)
    ]
