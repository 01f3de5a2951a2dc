"""Sessions on a PostgreSQL server that is only read: short ones by psycopg, streams by ADBC.

Each session is one transaction that reads one state of the database and refuses to write; all that could change how
values look is set in it. What is set by SET needs no start-up parameter, which poolers refuse.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import adbc_driver_manager
import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa

# The public readers lose the SQLSTATE of an error that comes in mid-stream.
from adbc_driver_manager._reader import AdbcRecordBatchReader
from psycopg.conninfo import make_conninfo

from afresh.core.errors import ConfigurationError, SourceUnavailable
from afresh.core.ports import Cancellation
from afresh.sources.postgres_errors import translated
from afresh.sources.postgres_options import PostgresOptions
from afresh.sources.postgres_texts import text
from afresh.sources.postgres_watch import Watch

OLDEST_VERSION = 150_000
_BATCH_HINT = {"adbc.postgresql.batch_size_hint_bytes": str(256 * 1024)}
"""Small, so that the first rows of a slow read come soon; what is too small to be handled alone is put together."""
_KEEPALIVES = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "client_min_messages": "error",
}
_READ_ONLY = "SET default_transaction_read_only = on"
_ONE_STATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_ORPHANS = "SET client_connection_check_interval = '1s'"

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A database on a server, and how its sessions are set up. `place` names it and holds no secret."""

    place: str
    conninfo: str
    secrets: tuple[str, ...]
    settings: str
    patience: float
    ports: frozenset[int]

    @contextmanager
    def asking(self, cancel: Cancellation) -> Iterator[Connection]:
        """A session for a few short statements with `$1` parameters."""
        with self._connected(cancel, "") as (connection, watch), watch.calling():
            yield connection

    @contextmanager
    def holding(self, cancel: Cancellation, ask: Callable[[Connection], T], settings: str) -> Iterator[T]:
        """The answer to a few short statements, before which come those of `settings`. The session is open as long as
        the context is, and nothing is expected of it any more."""
        with self._connected(cancel, settings) as (connection, watch):
            with watch.calling():
                found = ask(connection)
            yield found

    @contextmanager
    def _connected(self, cancel: Cancellation, settings: str) -> Iterator[tuple[Connection, Watch]]:
        with self._watched(cancel) as watch:
            with watch.connecting():
                connection: Connection = psycopg.connect(
                    self.conninfo, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.RawCursor
                )
            try:
                with watch.calling():
                    connection.execute("; ".join((_READ_ONLY, "BEGIN", _ONE_STATE, self.settings, settings)).encode())
                    _known_version(self.place, connection.info.server_version)
                yield connection, watch
            finally:
                connection.close()

    @contextmanager
    def streaming(self, cancel: Cancellation, snapshot: str | None) -> Iterator["Stream"]:
        """A session that reads by ADBC, of the state that the snapshot names if there is one."""
        with self._watched(cancel) as watch:
            with watch.connecting():
                connection = adbc.connect(self.conninfo, autocommit=True)
            try:
                stream = Stream(connection, watch)
                stream.run(_READ_ONLY)
                with suppress(adbc_driver_manager.Error):  # not all systems that a server runs on can do that
                    stream.run(_ORPHANS)
                with watch.calling():
                    connection.adbc_connection.set_autocommit(False)
                stream.run(_ONE_STATE)
                if snapshot is not None:
                    stream.run(f"SET TRANSACTION SNAPSHOT {text(snapshot)}")
                stream.run(self.settings)
                yield stream
            finally:
                with suppress(adbc_driver_manager.Error):  # nothing of it is needed any more
                    connection.close()

    @contextmanager
    def _watched(self, cancel: Cancellation) -> Iterator[Watch]:
        watch = Watch(cancel, self.patience, self.ports)
        try:
            with translated(self.place, self.secrets, cancel), watch.opened():
                yield watch
        except SourceUnavailable as error:
            if watch.silent:
                raise SourceUnavailable(f"{self.place}: nothing came for {self.patience:g} seconds") from error
            raise


class Stream:
    """A session that reads by ADBC."""

    def __init__(self, connection: Any, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a short statement."""
        with self._connection.cursor() as cursor, self._watch.calling(cursor.adbc_cancel):
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def batches(self, statement: str, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a statement, so many at a time or a little more."""
        held: list[pa.RecordBatch] = []
        for batch in self._delivered(statement):
            held.append(batch)
            if sum(one.num_rows for one in held) >= rows:
                yield _joined(held)
        if held:
            yield _joined(held)

    def _delivered(self, statement: str) -> Iterator[pa.RecordBatch]:
        """Batches as the driver makes them, of a few hundred kilobytes."""
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**_BATCH_HINT)
            with self._watch.calling(cursor.adbc_cancel):
                cursor.execute(statement)
                handle = cursor.fetch_arrow()
                reader = AdbcRecordBatchReader._import_from_c(handle.address)
            try:
                while (batch := self._next(cursor, reader)) is not None:
                    yield batch
            finally:
                reader.close()

    def _next(self, cursor: Any, reader: Any) -> pa.RecordBatch | None:
        with self._watch.calling(cursor.adbc_cancel):
            try:
                found: pa.RecordBatch = reader.read_next_batch()
            except StopIteration:
                return None
            return found


def _joined(held: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Those that are held as one. None is held any more: rows are not in memory twice while they are looked at."""
    batches = held.copy()
    held.clear()
    if len(batches) == 1:
        return batches[0]
    columns: list[Any] = [pa.concat_arrays(list(same)) for same in zip(*batches, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=batches[0].schema)


def server(name: str, options: PostgresOptions, base_directory: Path) -> Server:
    """What the options say; ConfigurationError, without a secret, if libpq does not understand them."""
    password = options.password.get_secret_value() if options.password is not None else None
    files = {name: getattr(options, name) for name in ("sslrootcert", "sslcert", "sslkey")}
    given: dict[str, object] = {
        "host": options.host,
        "port": options.port,
        "dbname": options.database,
        "user": options.user,
        "password": password,
        "sslmode": options.sslmode,
        "application_name": options.application_name,
        "client_encoding": "UTF8",
        "connect_timeout": int(options.connect_timeout.total_seconds()),
        **{key: str(base_directory / path) for key, path in files.items() if path is not None},
        **_KEEPALIVES,
        **options.libpq,
    }
    try:
        conninfo = make_conninfo("", **{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    except psycopg.Error:
        raise ConfigurationError(
            f"source {name}: libpq does not know one of the connection parameters",
            hint="See the option `libpq`; its names are those of PostgreSQL's manual (libpq, connection parameters).",
        ) from None
    secrets = (password, *(value for key, value in options.libpq.items() if "pass" in key or "secret" in key))
    return Server(
        place=f"source {name}",
        conninfo=conninfo,
        secrets=tuple(secret for secret in secrets if secret),
        settings=_settings(options),
        patience=options.read_timeout.total_seconds(),
        ports=frozenset(int(port) for port in str(given["port"]).split(",") if port.isdecimal()),
    )


def _settings(options: PostgresOptions) -> str:
    found = {
        **_SETTINGS,
        "row_security": "on" if options.row_security else "off",
        "lock_timeout": _milliseconds(options.lock_timeout),
    }
    if options.statement_timeout is not None:
        found["statement_timeout"] = _milliseconds(options.statement_timeout)
    calls: Sequence[str] = [f"set_config({text(key)}, {text(value)}, true)" for key, value in found.items()]
    return f"SELECT {', '.join(calls)}"


def _milliseconds(duration: timedelta) -> str:
    return f"{duration // timedelta(milliseconds=1)}ms"


def _known_version(place: str, version: int) -> None:
    if version < OLDEST_VERSION:
        raise ConfigurationError(
            f"{place}: the server is PostgreSQL {version // 10_000}",
            hint=f"Versions from {OLDEST_VERSION // 10_000} on are read by this kind; older ones by `odbc`.",
        )
