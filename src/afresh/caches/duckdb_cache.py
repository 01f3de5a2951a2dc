"""The DuckDB cache: its tables, its log and its leases, in one file."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from afresh.caches import duckdb_sql as sql
from afresh.caches import duckdb_tables as tables
from afresh.caches.duckdb_actions import DuckdbActions
from afresh.caches.duckdb_address import Address
from afresh.caches.duckdb_connection import Database
from afresh.caches.duckdb_leases import DuckdbLeases
from afresh.caches.duckdb_log import DuckdbUpdateLog, make_own_tables, open_operations
from afresh.caches.duckdb_session import Session
from afresh.caches.duckdb_stage import DuckdbStage
from afresh.core.errors import ConfigurationError
from afresh.core.model import ReloadStrategy
from afresh.core.ports import Cancellation, Capabilities
from afresh.core.schema import Column, TableSchema

_LEFTOVER = re.compile(r"Shadow.*_([0-9a-f]{32})", re.DOTALL)


class DuckdbCache:
    """A cache in one DuckDB file, which the first write makes, and which this process then owns until `close`."""

    capabilities = Capabilities(
        concurrent_writers=True,
        reload_strategies=frozenset(ReloadStrategy),
        reserved_names=sql.RESERVED,
    )

    def __init__(self, address: Address, lock_timeout: timedelta) -> None:
        self._address = address
        self._database = Database(address, lock_timeout)
        self.log = DuckdbUpdateLog(self._database)
        self.leases = DuckdbLeases(self._database)
        self.actions = DuckdbActions(self._database)

    @property
    def served_from(self) -> Path:
        """Which file answered the last read: the cache itself, or its published copy."""
        return self._database.served_from

    @property
    def copy_that_answered(self) -> str:
        """The published copy, if it and not the cache itself answered the last read."""
        return "" if self._database.served_from == self._address.path else str(self._database.served_from)

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        if not self._database.exists():
            return None
        with self._database.reading() as session:
            return tables.described(session, table_name, wanted)

    def create(self, table_name: str, schema: TableSchema) -> None:
        if table_name.lower() in sql.RESERVED:
            raise ConfigurationError(f"{table_name!r} is reserved in this cache", hint="Give the table another name.")
        columns = [
            sql.column(column.name, sql.storage(column.type), not_null=column.name in schema.key or not column.nullable)
            for column in schema.columns
        ]
        statement = sql.create_table(sql.qualified(table_name), columns)

        def work(session: Session) -> None:
            make_own_tables(session)
            session.run(statement)
            tables.forget(session, table_name)
            tables.record(session, table_name, schema.columns, schema.key)

        self._database.transact_in_turn(work)

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        def work(session: Session) -> None:
            recorded = tables.is_recorded(session, table_name)
            for column in columns:
                definition = sql.column(column.name, sql.storage(column.type), not_null=False)
                session.run(f"ALTER TABLE {sql.qualified(table_name)} ADD COLUMN {definition}")
            if recorded:
                tables.record(session, table_name, columns)

        self._database.transact_in_turn(work)

    @contextmanager
    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> Iterator[DuckdbStage]:
        with self._database.session(cancel) as session, session.file.room(len(schema.columns)):
            stage = DuckdbStage(self._database, session, table_name, schema, operation_id, reload=reload)
            try:
                with session.broken_off():
                    yield stage
            finally:
                stage.close()

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        """Temporary tables went with their connections, and transactions with their process: only shadows stay."""
        if not self._database.exists():
            return []

        def work(session: Session) -> list[str]:
            found = [(name, _LEFTOVER.fullmatch(name)) for name in tables.table_names(session)]
            # What has begun since the caller looked is live too.
            live = live_operations | open_operations(session)
            dead = [name for name, match in found if match is not None and match[1] not in live]
            for name in dead:
                session.run(f"DROP TABLE {sql.qualified(name)}")
            return dead

        return self._database.transact_in_turn(work)

    def close(self) -> None:
        """Publishes what is not published yet, and gives the file back to other processes."""
        self._database.close()
