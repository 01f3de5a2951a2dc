"""SQL Server as the cache, 2017 and later, Azure SQL, and servers that speak its language.

Readers that must not wait while a batch is merged set READ_COMMITTED_SNAPSHOT on the database; without it they wait,
and never see half of a batch either.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from afresh.caches import sqlserver_catalogue as catalogue
from afresh.caches import sqlserver_sql as sql
from afresh.caches.sqlserver_actions import SqlServerActions
from afresh.caches.sqlserver_database import Database
from afresh.caches.sqlserver_existing import is_ours, schema_of
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_leases import SqlServerLeases
from afresh.caches.sqlserver_log import SqlServerUpdateLog, open_operations
from afresh.caches.sqlserver_names import LEFTOVER, LONGEST, quote_table
from afresh.caches.sqlserver_own import RESERVED, OwnTables
from afresh.caches.sqlserver_session import Session
from afresh.caches.sqlserver_stage import SqlServerStage
from afresh.caches.sqlserver_types import check_limits, is_clustered, key_storage, storage
from afresh.core.errors import CacheLocked, ConfigurationError, SchemaDiffers
from afresh.core.kinds import CacheKind
from afresh.core.model import ReloadStrategy
from afresh.core.options import CacheConfig
from afresh.core.ports import Cancellation, Capabilities
from afresh.core.schema import Column, TableSchema
from afresh.drivers.mssql import Connect, check_installed, connect
from afresh.drivers.mssql_url import Settings, parse


class SqlServerCache:
    """A cache in one schema of a database; a second schema of ours holds the staging tables, if it may be made."""

    capabilities = Capabilities(
        concurrent_writers=True,
        reload_strategies=frozenset(ReloadStrategy),
        identifier_length=LONGEST,
        reserved_names=RESERVED,
    )

    def __init__(self, settings: Settings, config: CacheConfig, connect: Connect = connect) -> None:
        self._settings = settings
        self._database = Database(settings, config.lock_timeout, connect)
        self._own = OwnTables(self._database)
        self.log = SqlServerUpdateLog(self._database, self._own)
        self.leases = SqlServerLeases(self._database, self._own)
        self.actions = SqlServerActions(self._database, self._own)

    def describe(self, table_name: str, wanted: TableSchema) -> TableSchema | None:
        check_limits(table_name, wanted)
        quote_table(self._settings.schema, table_name)
        with self._database.session() as session:
            columns = catalogue.columns(session, self._settings.schema, table_name)
            if not columns:
                return None
            indexes = catalogue.indexes(session, self._settings.schema, table_name)
            primary_key = catalogue.primary_key(session, self._settings.schema, table_name)
            recorded = self._recorded(session, table_name)
        return schema_of(table_name, columns, indexes, primary_key, recorded, wanted)

    def create(self, table_name: str, schema: TableSchema) -> None:
        if table_name.lower() in RESERVED:
            raise ConfigurationError(f"{table_name!r} is reserved in this cache", hint="Give the table another name.")
        check_limits(table_name, schema)
        table = quote_table(self._settings.schema, table_name)
        keys = key_storage(schema)
        self._own.ensure()
        with self._database.session() as session:
            exact = self._database.features(session).collation
        definitions = [
            sql.definition(
                column.name,
                keys.get(column.name, storage(column)),
                exact if keys.get(column.name, "").startswith("nvarchar") else None,
                nullable=column.nullable and column.name not in keys,
            )
            for column in schema.columns
        ]
        statement = sql.create_table(table, definitions, schema.key, clustered=is_clustered(schema))

        def work(session: Session) -> None:
            session.run(statement)
            session.run(f"DELETE FROM {self._own.names.column} WHERE [TableName] = ?", table_name)
            self._record(session, table_name, schema.columns)

        self._database.transact(work)

    def add_columns(self, table_name: str, columns: Sequence[Column]) -> None:
        """A table of others keeps its definition: `SchemaDiffers` names what it lacks."""
        table = quote_table(self._settings.schema, table_name)
        definitions = [sql.definition(column.name, storage(column), None, nullable=True) for column in columns]

        def work(session: Session) -> None:
            there = catalogue.columns(session, self._settings.schema, table_name)
            if not is_ours(there, self._recorded(session, table_name)):
                names = ", ".join(column.name for column in columns)
                raise SchemaDiffers(
                    f"{table_name}: the table lacks {names}, and was not made by afresh, so it is not altered",
                    hint="Add the columns to the table, or leave them out of the fetcher.",
                )
            session.run(sql.add_columns(table, definitions))
            self._record(session, table_name, columns)

        self._database.transact(work)

    @contextmanager
    def stage(
        self, table_name: str, schema: TableSchema, operation_id: str, cancel: Cancellation, *, reload: bool
    ) -> Iterator[SqlServerStage]:
        check_limits(table_name, schema)
        self._own.ensure()
        with self._database.session() as session:
            stage = SqlServerStage(
                self._database, session, self._own.names, table_name, schema, operation_id, cancel, reload=reload
            )
            try:
                with session.interrupted_by(cancel):
                    stage.prepare()
                    yield stage
            finally:
                stage.close()

    def clean(self, live_operations: frozenset[str]) -> Sequence[str]:
        """Every transaction went with its connection: only staging, shadow and probe tables stay."""
        if not self._own.there():
            return []
        with self._database.session() as session:
            features = self._database.features(session)
            found = [
                (schema, name, match[1])
                for schema, name in catalogue.tables(session, self._settings.schema, features.staging_schema)
                if (match := LEFTOVER.fullmatch(name)) is not None
            ]
            # Looked for after the tables, so that what has begun meanwhile is live too.
            live = live_operations | open_operations(session, self._own.names)
            return [name for schema, name, operation in found if operation not in live and _drop(session, schema, name)]

    def close(self) -> None:
        """Nothing is held open between calls."""

    def features(self) -> Features:
        """What the server was found to be able to do."""
        with self._database.session() as session:
            return self._database.features(session)

    def _recorded(self, session: Session, table_name: str) -> dict[str, str]:
        if not self._own.there():
            return {}
        return dict(catalogue.recorded_types(session, self._own.names.column, table_name))

    def _record(self, session: Session, table_name: str, columns: Sequence[Column]) -> None:
        statement = (
            f"INSERT INTO {self._own.names.column} ([TableName], [Position], [ColumnName], [Type]) VALUES (?, ?, ?, ?)"
        )
        for position, column in enumerate(columns):
            session.run(statement, table_name, position, column.name, column.type_name)


def build(config: CacheConfig, base_directory: Path) -> SqlServerCache:
    """The cache of a `mssql://user:password@host:1433/database` URL; connects when it is first used."""
    settings = parse(config.url)
    check_installed("a SQL Server cache")
    return SqlServerCache(settings, config)


SQLSERVER = CacheKind(build=build)


def _drop(session: Session, schema: str, name: str) -> bool:
    """Whether it is gone now; what somebody still holds is left for the next start."""
    with suppress(CacheLocked):
        session.run(f"DROP TABLE {quote_table(schema, name)}")
        return True
    return False
