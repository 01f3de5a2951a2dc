"""Values of `max` columns, which the driver asks for one by one: they come whole, or the read fails in time.

Against a stand-in that speaks TDS, in a process of its own.
"""

import threading
import time
from collections.abc import Mapping
from datetime import timedelta

import pyarrow as pa
import pytest
from tests.sources.sqlserver_apart import large_values, text
from tests.sources.sqlserver_front import source_at

from afresh.core.errors import Cancelled, SourceUnavailable
from afresh.core.select import Output, Select, TableName
from afresh.testing.cancellation import ManualCancellation

pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")

WHAT = Select(
    TableName("T"),
    (
        Output("Id", "Id", pa.int64(), declared="bigint"),
        Output("Body", "Body", pa.string(), declared="nvarchar(max)"),
    ),
)
ROWS, LETTERS = 200, 10_000


def bodies(port: int, **options: timedelta) -> Mapping[int, str]:
    """The texts by their rows."""
    batches = source_at(port, "UTC", **options).read(WHAT, ManualCancellation(), 50)
    return {row["Id"]: row["Body"] for batch in batches for row in batch.to_pylist()}


def test_they_come_whole() -> None:
    """Values of many packets arrive as they are, whatever packets their parts lie in."""
    with large_values(ROWS, LETTERS) as port:
        assert bodies(port) == {row: text(row, LETTERS) for row in range(ROWS)}


@pytest.mark.parametrize("fault", ["silence", "cut"])
def test_a_fault_within_one_is_the_source_s(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A server that is silent, or gone, within a value is one that is away, found out in the time that it has."""
    monkeypatch.setattr("afresh.sources.sqlserver_apart._SPARE_SECONDS", 1.0)
    limits = {"query_timeout": timedelta(seconds=1), "connect_timeout": timedelta(seconds=2)}
    with large_values(ROWS, LETTERS, fault, 1_000_000) as port:
        began = time.monotonic()
        with pytest.raises(SourceUnavailable):
            bodies(port, **limits)
        assert time.monotonic() - began < 10


def test_others_go_on_meanwhile() -> None:
    """Threads of the service run while the driver waits for a value, and a cancellation ends the read in a second."""
    reading, asked = ManualCancellation(), list[float]()

    def ask() -> None:
        time.sleep(2)
        asked.append(time.monotonic())
        reading.request()

    with large_values(ROWS, LETTERS, "silence", 1_000_000) as port:
        asking = threading.Thread(target=ask)
        asking.start()
        with pytest.raises(Cancelled):
            list(source_at(port).read(WHAT, reading, 50))
        assert time.monotonic() - asked[0] < 1
        asking.join()
