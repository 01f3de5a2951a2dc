"""What the kit for sources needs of a PostgreSQL server: a schema for each test, and an account that may only read."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from tests.caches import postgres_server as server
from tests.sources.postgres_wire import Wire

from afresh.core.ports import SourceSystem
from afresh.core.schema import DATETIME, TIME, TIMESTAMP, Column
from afresh.core.select import TableName
from afresh.sources.postgres_options import PostgresOptions
from afresh.sources.postgres_source import PostgresSource, open_postgres
from afresh.testing.proxy import Target
from afresh.testing.source_kit_odd import declared_as
from afresh.testing.source_kit_rig import SourceRig, SourceTrial, SourceType, Wish

reading = datetime.fromisoformat
READER, PASSWORD = "afresh_kit_reader", "a secret of the kit"
LONGEST_NAME = 63

TYPES = (
    SourceType(declared="smallint", arrives="int16", values=(("-32768", -32768), ("32767", 32767))),
    SourceType(declared="bigint", arrives="int64", values=(("-9223372036854775808", -(2**63)),)),
    SourceType(declared="boolean", arrives="bool", values=(("true", True), ("false", False))),
    SourceType(
        declared="numeric(15,4)",
        arrives="decimal(15,4)",
        values=(("0.1", Decimal("0.1000")), ("-99999999999.9999", Decimal("-99999999999.9999"))),
        misfits=("'NaN'",),
    ),
    SourceType(
        declared="numeric(18,0)", arrives="int64", values=(("-999999999999999999", -(10**18) + 1),), misfits=("'NaN'",)
    ),
    SourceType(declared="numeric(19,0)", arrives="decimal(19,0)", values=(("9999999999999999999", Decimal("9" * 19)),)),
    SourceType(
        declared="numeric(38,20)",
        arrives="decimal(38,20)",
        values=(("123456789012345678.12345678901234567890", Decimal("123456789012345678.12345678901234567890")),),
        misfits=("'NaN'",),
    ),
    SourceType(declared="numeric(2,-3)", arrives="int64", values=(("99000", 99000),), note="whole thousands"),
    SourceType(declared="numeric(2,4)", arrives="decimal(4,4)", values=(("0.0012", Decimal("0.0012")),)),
    SourceType(
        declared="numeric",
        arrives="decimal(38,10)",
        values=(("1", Decimal(1).quantize(Decimal("1e-10"))), ("0.0000000001", Decimal("1e-10"))),
        misfits=("0.00000000001", "1e30", "'NaN'", "'Infinity'", "'-Infinity'"),
        note="by the option `bare_numeric`",
    ),
    SourceType(declared="numeric(60,5)", arrives="text", values=(("1.5", "1.50000"), ("'NaN'", "NaN"))),
    SourceType(
        declared="double precision",
        arrives="float",
        values=(("0.1", 0.1), ("'inf'", float("inf")), ("5e-324", 5e-324), ("'-0'", -0.0)),
    ),
    SourceType(declared="real", arrives="float", values=(("0.5", 0.5), ("0.1", 0.10000000149011612)), note="as stored"),
    SourceType(
        declared="money",
        arrives="decimal(19,2)",
        values=(("'-92233720368547758.08'", Decimal("-92233720368547758.08")), ("'12.34'", Decimal("12.34"))),
    ),
    SourceType(declared="text", arrives="text", values=(("''", ""), ("'🙂'", "🙂"), ("' padded '", " padded "))),
    SourceType(declared="varchar(20)", arrives="text(20)", values=(("'abc  '", "abc  "),)),
    SourceType(declared="char(5)", arrives="text(5)", values=(("'ab'", "ab   "),), note="padded, as it is stored"),
    SourceType(declared='"char"', arrives="text", values=(("'x'", "x"),)),
    SourceType(declared="name", arrives="text", values=(("'x'", "x"),)),
    SourceType(declared="bytea", arrives="bytes", values=((r"'\x00ff'", b"\0\xff"), ("''", b""))),
    SourceType(
        declared="date",
        arrives="date",
        values=(("'0001-01-01'", date.min), ("'9999-12-31'", date.max)),
        misfits=("'infinity'", "'-infinity'", "'0001-12-31 BC'", "'10000-01-01'"),
    ),
    SourceType(declared="time", arrives="time", values=(("'23:59:59.999999'", time.max),), misfits=("'24:00'",)),
    SourceType(
        declared="timestamp",
        arrives="datetime",
        values=(
            ("'0001-01-01'", reading("0001-01-01")),
            ("'9999-12-31 23:59:59.999999'", reading("9999-12-31 23:59:59.999999")),
        ),
        misfits=("'infinity'", "'-infinity'", "'0001-12-31 BC'", "'10000-01-01'"),
    ),
    SourceType(
        declared="timestamptz",
        arrives="timestamp",
        values=(("'2024-05-01 10:30:00.5+02'", reading("2024-05-01 08:30:00.5Z")),),
        misfits=("'infinity'", "'-infinity'", "'10000-01-01 00:00Z'"),
    ),
    SourceType(declared="timetz", arrives="text", values=(("'10:00+02'", "10:00:00+02"),)),
    SourceType(declared="interval", arrives="text", values=(("'1 year 2 days 3 hours'", "1 year 2 days 03:00:00"),)),
    SourceType(
        declared="uuid",
        arrives="text",
        values=(("'00112233-4455-6677-8899-AABBCCDDEEFF'", "00112233-4455-6677-8899-aabbccddeeff"),),
    ),
    SourceType(declared="json", arrives="text", values=(("""'{"a":  1}'""", '{"a":  1}'),)),
    SourceType(declared="jsonb", arrives="text", values=(("""'{"a":  1}'""", '{"a": 1}'),)),
    SourceType(declared="integer[]", arrives="text", values=(("'{1,NULL}'", "{1,NULL}"),)),
    SourceType(declared="inet", arrives="text", values=(("'10.0.0.1/8'", "10.0.0.1/8"),)),
    SourceType(declared="bit(3)", arrives="text", values=(("B'101'", "101"),)),
    SourceType(declared="oid", arrives="int64", values=(("4294967295", 4294967295),)),
    SourceType(declared="int4range", arrives="text", values=(("'[1,5)'", "[1,5)"),)),
    SourceType(declared="point", arrives="text", values=(("'(1,2)'", "(1,2)"),)),
    SourceType(declared="afresh_kit_mood", arrives="text", values=(("'glad'", "glad"),), note="an enum"),
    SourceType(
        declared="afresh_kit_price",
        arrives="decimal(9,2)",
        values=(("12.5", Decimal("12.50")),),
        note="a domain over a domain over numeric(9,2)",
    ),
)
_NAMED = {
    pa.bool_(): "boolean",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.binary(): "bytea",
    pa.date32(): "date",
    TIME: "time",
    TIMESTAMP: "timestamptz",
    DATETIME: "timestamp",
}


@cache
def accounts() -> dict[str, Any]:
    """Makes the reader, and types that tests use, on the server; what libpq needs to reach it."""
    server.run(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{READER}') THEN "
        f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'; END IF; "
        "IF to_regtype('public.afresh_kit_mood') IS NULL THEN "
        "CREATE TYPE public.afresh_kit_mood AS ENUM ('glad', 'sad'); "
        "CREATE DOMAIN public.afresh_kit_amount AS numeric(9,2); "
        "CREATE DOMAIN public.afresh_kit_price AS public.afresh_kit_amount CHECK (VALUE >= 0); END IF; END $$"
    )
    _ask_for_passwords()
    return conninfo_to_dict(server.server_url())


def _ask_for_passwords() -> None:
    """A server from a wheel trusts everybody; of the reader, and of roles that are in it, it shall want a password."""
    ((place,),) = server.run("SHOW hba_file")
    path, rule = Path(place), f"local all +{READER} scram-sha-256\n"
    try:
        found = path.read_text()
        if rule not in found:
            path.write_text(rule + found)
    except OSError:  # a server that is not ours: it has its rules
        return
    server.run("SELECT pg_reload_conf()")


def options(application_name: str, **changed: Any) -> PostgresOptions:
    """How the server is reached as the reader."""
    known = accounts()
    settings: dict[str, Any] = {
        "host": known.get("host") or "localhost",
        "port": int(known.get("port") or 5432),
        "database": known.get("dbname") or "postgres",
        "user": READER,
        "password": SecretStr(PASSWORD),
        "application_name": application_name,
        **changed,
    }
    return PostgresOptions(**settings)


def source_of(settings: PostgresOptions, *, zone: str = "UTC", show_values: bool = False) -> PostgresSource:
    """The source that reads with those settings."""
    return open_postgres(
        name="Kit", options=settings, base_directory=Path(), time_zone=ZoneInfo(zone), show_values=show_values
    )


def elsewhere(settings: dict[str, Any], password: str) -> PostgresSource:
    """The same in another process."""
    return source_of(PostgresOptions(**{**settings, "password": SecretStr(password)}))


class PostgresSourceRig(SourceRig):
    """A schema of its own for each test."""

    types = TYPES
    outside: ClassVar = MappingProxyType({})
    odd: ClassVar = MappingProxyType(
        {
            "bare NUMBER": declared_as(TYPES, "numeric"),
            "9999-12-31 23:59:59.9999999": SourceType(
                declared="timestamp",
                arrives="datetime",
                values=(),
                misfits=("'9999-12-31 23:59:59.9999999'",),
                note="PostgreSQL itself has rounded it to the year 10000 when it was written",
            ),
            "CHAR padding": declared_as(TYPES, "char(5)"),
            "cp1252 bytes": "a text is of the database's encoding, which the server knows; it takes no other bytes",
        }
    )
    gaps: ClassVar = MappingProxyType({})
    _SCHEMAS: ClassVar[dict[Path, str]] = {}

    def trial(self) -> SourceTrial:
        by = f"adbc-driver-postgresql {version('adbc-driver-postgresql')}, psycopg {version('psycopg')}"
        return SourceTrial(kind="postgres", product="PostgreSQL", version=server.version(), by=by)

    def prepare(self, directory: Path) -> None:
        accounts()
        schema = server.make_schema()
        self._SCHEMAS[directory] = schema
        server.run(f'GRANT USAGE ON SCHEMA "{schema}" TO {READER}')
        server.run(f'ALTER DEFAULT PRIVILEGES IN SCHEMA "{schema}" GRANT SELECT ON TABLES TO {READER}')

    def discard(self, directory: Path) -> None:
        server.drop_schema(self._SCHEMAS.pop(directory))

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        changed: dict[str, Any] = {}
        if wish.through is not None:
            host, port = wish.through.address
            changed.update(host=host, port=port, sslmode="disable")
        if wish.wrong_password:
            changed["password"] = SecretStr("wrong")
        if wish.timeout is not None:
            changed["read_timeout"] = wish.timeout
        settings = options(self._SCHEMAS[directory], **changed)
        return source_of(settings, zone=wish.time_zone, show_values=wish.show_values)

    def execute(self, directory: Path, *statements: str) -> None:
        with server.connect(f'"{self._SCHEMAS[directory]}",public') as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def table(self, directory: Path, name: str) -> TableName:
        return TableName(name, self._SCHEMAS[directory])

    def place(self, directory: Path, name: str) -> str:
        return f"{self.quote(self._SCHEMAS[directory])}.{self.quote(name)}"

    def name_refusal(self, name: str) -> str:
        return "a name has at most 63 bytes" if len(name.encode()) > LONGEST_NAME else ""

    def refusal(self, column: Column, value: Any) -> str:
        del column
        return "no text of PostgreSQL's has the character NUL" if isinstance(value, str) and "\0" in value else ""

    def ddl(self, column: Column) -> str:
        kind = column.type
        if pa.types.is_decimal128(kind):
            return f"numeric({kind.precision},{kind.scale})"
        if pa.types.is_string(kind):
            return f"varchar({column.length})" if column.length else "text"
        return _NAMED[kind]

    def literal(self, column: Column, value: Any) -> str:
        if isinstance(value, bytes):
            return rf"'\x{value.hex()}'::bytea"
        return super().literal(column, value)

    def fill(self, directory: Path, name: str, rows: int) -> None:
        place = self.place(directory, name)
        self.execute(
            directory,
            f'CREATE TABLE {place} ("Id" bigint PRIMARY KEY, "Name" varchar(40), "Amount" numeric(15,2), '
            '"Changed" timestamp)',
            f"INSERT INTO {place} SELECT g, 'name ' || g, g / 100.0, timestamp '2024-01-01' + g * interval '1 second' "
            f"FROM generate_series(1, {rows}) AS g",
            f"ANALYZE {place}",
        )

    def target(self, directory: Path) -> Target:
        known = accounts()
        host, port = str(known.get("host") or "localhost"), int(known.get("port") or 5432)
        return Path(host) / f".s.PGSQL.{port}" if host.startswith("/") else (host, port)

    def sessions(self, directory: Path) -> int:
        name = self._SCHEMAS[directory]
        ((found,),) = server.run(f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'")
        return int(found)

    @contextmanager
    def spied(self, directory: Path) -> Iterator[tuple[SourceSystem, Callable[[], Sequence[str]]]]:
        wire = Wire(self.target(directory))
        source = self.make_source(directory, Wish(through=wire))
        try:
            yield source, wire.statements
        finally:
            source.close()
            wire.close()

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        settings = asdict(options(self._SCHEMAS[directory], password=None))
        return partial(elsewhere, settings, PASSWORD)

    def endless(self) -> str:
        return (
            "WITH RECURSIVE n(i) AS (SELECT 1::bigint UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) "
            'SELECT max(i) AS "N" FROM n'
        )
