"""Sources over ODBC beside arrow-odbc: PostgreSQL by psqlODBC, and MariaDB by its own driver.

By hand the statement has no casts, texts have room for 1,024 bytes, and psqlODBC fetches by a cursor, for without one
it holds the whole result.
"""

import configparser
import os
import shutil
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import arrow_odbc
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from tests.sources.mariadb_server import PASSWORD, READER, server

from afresh.core.select import TableName
from afresh.engine.clock import SystemClock
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_options import MysqlOptions, OdbcOptions, SessionOptions, connection_string, profile_of
from bench import rows
from bench.part import Job
from bench.postgres_cache import SCHEMA, PostgresCachePart, times
from bench.source_part import TABLE, SourcePart, made, typed

DATABASE = "afresh_bench"
TEXT_BYTES = 1_024


class OdbcPart(SourcePart):
    """A database behind an ODBC driver."""

    driver: str
    kind = "odbc"
    keywords: str = ""
    """More of the connection string by hand."""

    def missing(self) -> str | None:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read(("/etc/odbcinst.ini", "/usr/local/etc/odbcinst.ini"))
        return None if parser.has_section(self.driver) else f"there is no ODBC driver {self.driver!r}"

    @abstractmethod
    def options(self, job: Job) -> SessionOptions:
        """Our source's settings; by hand the same server and account."""

    @abstractmethod
    def place(self, job: Job) -> str:
        """The table in SQL."""

    def source(self, job: Job) -> OdbcSource:
        options = self.options(job)
        return OdbcSource(
            name="Bench",
            kind=self.kind,
            options=options,
            profile=profile_of(options),
            time_zone=ZoneInfo("UTC"),
            clock=SystemClock(),
        )

    def by_hand(self, job: Job) -> Iterator[pa.RecordBatch]:
        options = self.options(job)
        reader = arrow_odbc.read_arrow_batches_from_odbc(
            query=f"SELECT * FROM {self.place(job)}",
            connection_string=connection_string(options, profile_of(options)) + self.keywords,
            batch_size=rows.PIECE,
            max_text_size=TEXT_BYTES,
        )
        for batch in reader:
            yield typed(batch)


class PsqlOdbcSourcePart(OdbcPart):
    """The address is the server's URL."""

    name = "psqlodbc-source"
    driver = "PostgreSQL Unicode"
    keywords = "UseDeclareFetch=1;Fetch=10000;"

    def __init__(self) -> None:
        self._server = PostgresCachePart()

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        with self._server.ground(directory, rows) as url:
            self._server.ready(Job(part=self.name, case="load", who="bare", address=url, rows=rows, run=1))
            yield url

    def options(self, job: Job) -> OdbcOptions:
        known = conninfo_to_dict(job.address)
        return OdbcOptions(
            profile="postgres",
            host=str(known.get("host") or "localhost"),
            port=int(known.get("port") or 5432),
            database=str(known.get("dbname") or "postgres"),
            user=str(known.get("user") or "postgres"),
            password=SecretStr(str(known.get("password") or "")),
        )

    def table(self, job: Job) -> TableName:
        return TableName("source_0", SCHEMA)

    def place(self, job: Job) -> str:
        return f"{SCHEMA}.source_0"

    def server_seconds(self, address: str) -> float:
        return self._server.server_seconds(address)


class MysqlSourcePart(OdbcPart):
    """A MariaDB server of the benchmark's own; the address is its port."""

    name = "mysql-source"
    driver = "MariaDB Unicode"
    kind = "mysql"

    def missing(self) -> str | None:
        return super().missing() or (None if shutil.which("mariadbd") else "there is no MariaDB server")

    @contextmanager
    def ground(self, directory: Path, rows: int) -> Iterator[str]:
        running = server()
        file = running.directory / "rows.csv"
        _write(file, rows)
        running.run(
            f"CREATE DATABASE {DATABASE}",
            f"GRANT SELECT ON {DATABASE}.* TO {READER}@'%'",
            f"CREATE TABLE {DATABASE}.{TABLE} ({_columns()}, PRIMARY KEY (Id))",
            f"LOAD DATA INFILE '{file}' INTO TABLE {DATABASE}.{TABLE} FIELDS TERMINATED BY ',' "
            "OPTIONALLY ENCLOSED BY '\"'",
            f"ANALYZE TABLE {DATABASE}.{TABLE}",
        )
        file.unlink()
        yield str(running.port)
        running.run(f"DROP DATABASE {DATABASE}")

    def server_seconds(self, address: str) -> float:
        file = next((server().directory / "data").glob("*.pid"), None)
        ticks = sum(times(int(file.read_text()), 2)) if file is not None and Path("/proc/self/stat").exists() else 0
        return float(ticks) / os.sysconf("SC_CLK_TCK")

    def options(self, job: Job) -> MysqlOptions:
        return MysqlOptions(
            host="127.0.0.1", port=int(job.address), database=DATABASE, user=READER, password=SecretStr(PASSWORD)
        )

    def table(self, job: Job) -> TableName:
        return TableName(TABLE, DATABASE)

    def place(self, job: Job) -> str:
        return TABLE


def _columns() -> str:
    return ", ".join(f"{column.name} {_declared(column.type)}" for column in rows.SCHEMA.columns)


def _declared(kind: pa.DataType) -> str:
    if pa.types.is_decimal128(kind):
        return "decimal(15,4)"
    if pa.types.is_timestamp(kind):
        return "datetime(6)"
    return "bigint" if pa.types.is_integer(kind) else "varchar(64)"


def _write(path: Path, count: int) -> None:
    from pyarrow import csv

    schema = pa.schema(
        [pa.field(f.name, pa.timestamp("us")) if f.name == "Changed" else f for f in rows.SCHEMA.arrow()]
    )
    with csv.CSVWriter(str(path), schema, write_options=csv.WriteOptions(include_header=False)) as writer:
        for batch in made(count):
            writer.write_batch(batch.cast(schema))
    path.chmod(0o644)
