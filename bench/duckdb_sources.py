"""The sources that are read with DuckDB (its own file, Parquet, CSV) beside `duckdb`: a relation to an Arrow reader."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from afresh.caches.duckdb_sql import storage
from afresh.core.ports import SourceSystem
from afresh.core.schema import type_name
from afresh.engine.clock import SystemClock
from afresh.sources.duckdb import DuckdbSource
from afresh.sources.files import FilesSource
from afresh.sources.files_tables import FileTable
from bench import rows
from bench.part import Case, Job
from bench.source_part import TABLE, SourcePart, made, typed

LIMITS = {"memory_limit": "256MB", "threads": "2"}
"""What our sources give DuckDB by default."""
ROUNDED = "read, by hand with rounding"
KINDS = {column.name: storage(column.type) for column in rows.SCHEMA.columns}


class DuckdbPart(SourcePart):
    """The address is the file."""

    suffix: str

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.name}-{rows}.{self.suffix}"
        if not path.exists():
            half = path.with_suffix(".part")
            half.unlink(missing_ok=True)
            self.make(half, rows)
            half.rename(path)
        yield str(path)

    def make(self, path: Path, count: int) -> None:
        """Writes the file; by default what DuckDB writes as the suffix."""
        reader = pa.RecordBatchReader.from_batches(rows.SCHEMA.arrow(), made(count))
        with closing(duckdb.connect(":memory:", config={"memory_limit": "512MB"})) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("reader", reader)
            connection.execute(f"COPY (SELECT * FROM reader) TO '{path}' (FORMAT {self.suffix})")

    def by_hand(self, job: Job) -> Iterator[pa.RecordBatch]:
        with closing(duckdb.connect(*self.database(job), config=dict(LIMITS))) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for batch in connection.sql(f"SELECT * FROM {self.relation(job)}").to_arrow_reader(rows.PIECE):
                yield typed(batch)

    def database(self, job: Job) -> tuple[str, bool]:
        """The database, and whether it is only read."""
        return ":memory:", False

    @abstractmethod
    def relation(self, job: Job) -> str:
        """What is selected from."""


class DuckdbSourcePart(DuckdbPart):
    """A DuckDB file."""

    name = "duckdb-source"
    suffix = "duckdb"

    def make(self, path: Path, count: int) -> None:
        with closing(duckdb.connect(str(path), config={"memory_limit": "512MB"})) as connection:
            connection.register("reader", pa.RecordBatchReader.from_batches(rows.SCHEMA.arrow(), made(count)))
            connection.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM reader")

    def source(self, job: Job) -> SourceSystem:
        return DuckdbSource(name="Bench", path=Path(job.address), time_zone=ZoneInfo("UTC"), clock=SystemClock())

    def database(self, job: Job) -> tuple[str, bool]:
        return job.address, True

    def relation(self, job: Job) -> str:
        return TABLE


class ParquetSourcePart(DuckdbPart):
    """One Parquet file."""

    name = "parquet-source"
    suffix = "parquet"

    def source(self, job: Job) -> SourceSystem:
        table = FileTable(path=job.address, key=("Id",), columns=self.columns())
        clock, zone = SystemClock(), ZoneInfo("UTC")
        return FilesSource(name="Bench", tables={TABLE: table}, base=Path(), time_zone=zone, clock=clock)

    def columns(self) -> dict[str, str]:
        """Types to be told; Parquet has its own."""
        return {}

    def relation(self, job: Job) -> str:
        return f"read_parquet('{job.address}')"


class CsvSourcePart(ParquetSourcePart):
    """One CSV file; by hand, Arrow turns the texts into values, which is as exact as ours: it refuses a decimal with
    too many places. In the other case DuckDB does, which is faster, and rounds such a one without a word."""

    name = "csv-source"
    suffix = "csv"
    rounds = ((Case(name="read", limit=1.15),), (Case(name=ROUNDED, limit=1.15),))

    def columns(self) -> dict[str, str]:
        return {column.name: type_name(column.type) for column in rows.SCHEMA.columns}

    def relation(self, job: Job) -> str:
        kinds = KINDS if job.case == ROUNDED else dict.fromkeys(KINDS, "VARCHAR")
        return f"read_csv('{job.address}', header = true, columns = {kinds!r})"
