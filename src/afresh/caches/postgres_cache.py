"""PostgreSQL as the cache: tables, log and leases in one schema of one database."""

import re
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import psycopg

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_actions import PostgresActions
from afresh.caches.postgres_address import parse_address
from afresh.caches.postgres_catalogue import collations, described, table_id
from afresh.caches.postgres_connection import Connection, Database
from afresh.caches.postgres_errors import translated
from afresh.caches.postgres_ingest import Ingest
from afresh.caches.postgres_interrupter import Interrupter
from afresh.caches.postgres_leases import PostgresLeases
from afresh.caches.postgres_log import PostgresUpdateLog
from afresh.caches.postgres_stage import PostgresStage, Work
from afresh.caches.postgres_tables import RESERVED, writing_own
from afresh.core.errors import CacheError, ConfigurationError
from afresh.core.model import ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.core.ports import Cancellation, Capabilities
from afresh.core.schema import Column, TableSchema

_LEFTOVER = re.compile(r"(?:Staging|Shadow).*_([0-9a-f]{32})", re.DOTALL)
_LOCK_CLASS = 0x41667265
"""The first key of our advisory locks; the second stands for an operation."""

_ORPHAN_PATIENCE = timedelta(seconds=5)
_CANCEL_SECONDS = 5.0
_SHORT_PATIENCE = "SET LOCAL lock_timeout = '1s'"
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' ORDER BY relname"
_STAGING_SESSIONS = """
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = $1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_HALF_BUILT = """
SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = to_regnamespace($1) AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
    AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.relid = i.indrelid)
"""


class PostgresCache:
    """A cache in one schema of a PostgreSQL database. Syncs of different tables run side by side."""

    capabilities = Capabilities(
        concurrent_writers=True,
        reload_strategies=frozenset(ReloadStrategy),
        identifier_length=sql.LONGEST_NAME,
        reserved_names=RESERVED,
    )

    def __init__(self, database: Database) -> None:
        self._database = database
        self.log = PostgresUpdateLog(database)
        self.leases = PostgresLeases(database)
        self.actions = PostgresActions(database)

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        with self._database.writing() as connection:
            oid = table_id(self._database, connection, table_name)
            return None if oid is None else described(connection, table_name, oid, wanted)

    def create(self, table_name: str, schema: TableSchema) -> None:
        if table_name.lower() in RESERVED:
            raise ConfigurationError(f"{table_name!r} is reserved in this cache", hint="Give the table another name.")
        sql.quote(table_name)
        sql.check_columns(schema.columns)
        with writing_own(self._database) as connection:
            connection.execute(sql.create_table(self._database.name(table_name), schema))

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        sql.check_columns(columns)
        with writing_own(self._database) as connection:
            connection.execute(sql.add_columns(self._database.name(table_name), columns))

    @contextmanager
    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> Iterator[PostgresStage]:
        try:
            with ExitStack() as opened:
                connection = opened.enter_context(self._database.staging())
                interrupter = Interrupter()
                opened.callback(interrupter.close)
                opened.enter_context(interrupter.reaches(lambda: connection.cancel_safe(timeout=_CANCEL_SECONDS)))
                opened.enter_context(cancel.interrupts(interrupter.interrupt))
                work = self._work(connection, table_name, schema, operation_id)
                ingest = opened.enter_context(Ingest(self._database, table_name, schema, cancel, interrupter))
                yield PostgresStage(work, connection, ingest, cancel, reload=reload)
        finally:
            # What cannot be dropped now is dropped by the next start; that must not hide what happened before.
            with suppress(CacheError):
                self._drop(table_name, operation_id)

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        """Also drops what a REINDEX that was broken off left behind. What a live session works on stays."""
        with self._database.connected() as connection:
            held = self._outlast_orphans(connection, {_lock_key(operation) for operation in live_operations})
            schema = sql.quote(self._database.schema)
            found = [(row[0], _LEFTOVER.fullmatch(row[0])) for row in connection.execute(_TABLES, (schema,))]
            dead = [
                name
                for name, match in found
                if match and match[1] not in live_operations and _lock_key(match[1]) not in held
            ]
            indexes = [row[0] for row in connection.execute(_HALF_BUILT, (schema,))]
            return [
                name
                for kind, names in (("TABLE", dead), ("INDEX", indexes))
                for name in names
                if self._dropped(connection, kind, name)
            ]

    def close(self) -> None:
        """Closes what is idle; what is in use closes when it is done."""
        self._database.close()

    def _work(self, connection: Connection, table_name: str, schema: TableSchema, operation_id: str) -> Work:
        """Marks the session as that of the operation: while it is there, nobody drops what it works on."""
        with translated(self._database.address):
            connection.execute("SELECT pg_advisory_lock($1::int, $2::int)", (_LOCK_CLASS, _lock_key(operation_id)))
            oid = table_id(self._database, connection, table_name)
            if oid is None:
                raise CacheError(f"{table_name}: the cache table is not there any more")
            return Work(
                database=self._database,
                table_name=table_name,
                schema=schema,
                operation_id=operation_id,
                collations=collations(connection, oid),
            )

    def _outlast_orphans(self, connection: Connection, live: set[int]) -> set[int]:
        """Waits for sessions of operations that are not live: a process that was killed leaves the server to end
        them, which it does within a second. Those that stay belong to somebody."""
        give_up = time.monotonic() + min(_ORPHAN_PATIENCE, self._database.lock_timeout).total_seconds()
        while True:
            held = {_signed(row[0]) for row in connection.execute(_STAGING_SESSIONS, (_LOCK_CLASS,))}
            if not held - live or time.monotonic() > give_up:
                return held - live
            time.sleep(0.02)

    def _drop(self, table_name: str, operation_id: str) -> None:
        """On a connection of its own, which no late cancellation reaches."""
        with self._database.connected() as connection:
            for kind in ("Staging", "Shadow"):
                self._dropped(connection, "TABLE", sql.working_name(kind, table_name, operation_id))

    def _dropped(self, connection: Connection, kind: str, name: str) -> bool:
        """False if somebody reads it, as a dump of the whole database does; then it goes another time."""
        try:
            with connection.transaction():
                connection.execute(_SHORT_PATIENCE)
                connection.execute(f"DROP {kind} IF EXISTS {self._database.name(name)}")
        except psycopg.errors.LockNotAvailable:
            return False
        return True


def open_postgres(config: CacheConfig) -> PostgresCache:
    """The cache of a URL; connects when it is first used."""
    return PostgresCache(Database(parse_address(config.url), config.lock_timeout))


def _lock_key(operation_id: str) -> int:
    return _signed(zlib.crc32(operation_id.encode()))


def _signed(key: int) -> int:
    return key - 2**32 if key >= 2**31 else key
