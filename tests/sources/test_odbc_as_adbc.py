"""PostgreSQL read over ODBC and over ADBC gives the same Arrow, for a table of all types."""

from pathlib import Path

import pyarrow as pa
from tests.sources.odbc_drivers import without
from tests.sources.postgres_source_rig import TYPES, PostgresSourceRig
from tests.sources.psqlodbc_rig import PsqlOdbcRig

from afresh.core.select import Output, Select
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.source_kit_rig import Wish


@without("PostgreSQL Unicode")
def test_the_same_table_is_the_same_arrow(tmp_path: Path) -> None:
    """Columns of every type of the kit, with their values and a row of nulls: described alike, and the same batches."""
    rig, other = PostgresSourceRig(), PsqlOdbcRig()
    rig.prepare(tmp_path)
    try:
        columns = {"Id": "bigint", **{f"V{at}": kind.declared for at, kind in enumerate(TYPES)}}
        rig.execute(tmp_path, rig.create_sql(tmp_path, "Item", columns, ("Id",)))
        most = max(len(kind.values) for kind in TYPES)
        settable = {f"V{at}": kind for at, kind in enumerate(TYPES) if "GENERATED" not in kind.declared}
        names = ", ".join(map(rig.quote, ("Id", *settable)))
        for row in range(most + 1):
            values = [kind.values[row][0] if row < len(kind.values) else "NULL" for kind in settable.values()]
            into = f"INSERT INTO {rig.place(tmp_path, 'Item')} ({names})"
            rig.execute(tmp_path, f"{into} VALUES ({row}, {', '.join(values)})")
        adbc, odbc = rig.make_source(tmp_path, Wish()), other.make_source(tmp_path, Wish())
        table = rig.table(tmp_path, "Item")
        told, told_too = adbc.catalogue.describe(table), odbc.catalogue.describe(table)
        assert told is not None
        assert told_too is not None
        assert told.columns == told_too.columns
        assert told.key == told_too.key
        select = Select(table, tuple(Output(c.name, c.name, c.type, declared=c.declared) for c in told.columns))
        found, found_too = (
            pa.Table.from_batches(list(source.read(select, ManualCancellation(), 1000))).sort_by("Id")
            for source in (adbc, odbc)
        )
        assert found.num_rows == most + 1
        assert found.equals(found_too, check_metadata=True)
        adbc.close()
        odbc.close()
    finally:
        rig.discard(tmp_path)
