"""What the ODBC driver of SQLite would deliver as something else fails the read."""

import pytest
from tests.sources.odbc_drivers import without
from tests.sources.sqlite_odbc_rig import SqliteOdbcRig

from afresh.core.errors import QueryFailed
from afresh.core.schema import parse_type
from afresh.core.select import Output, Policy, Select
from afresh.testing.source_kit_rig import on_source_bench


@without("SQLite3")
@pytest.mark.parametrize("policy", list(Policy), ids=str)
@pytest.mark.parametrize(
    ("declared", "wanted", "value"),
    [("BLOB", "bytes", "'a text'"), ("BLOB", "bytes", "1"), ("TEXT", "text", "char(0)")],
)
def test_refused(declared: str, wanted: str, value: str, policy: Policy) -> None:
    """A text or number in a BLOB column, and a text with NUL, under every policy; other rows alone are read."""
    with on_source_bench(SqliteOdbcRig()) as bench:
        bench.create_declared({"Id": "INTEGER", "V": declared}, [("1", "NULL"), ("2", value)])
        kind, _ = parse_type(wanted)
        outputs = (Output("Id", "Id", parse_type("int64")[0]), Output("V", "V", kind, policy=policy))
        select = bench.declared(Select(bench.table(), outputs))
        with pytest.raises(QueryFailed, match="integer overflow"):
            bench.rows(select)
        bench.execute(f"DELETE FROM {bench.place()} WHERE Id = 2")
        assert bench.rows(select) == [(1, None)]
