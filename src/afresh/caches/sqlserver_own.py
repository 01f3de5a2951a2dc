"""The tables that the cache keeps for itself, in the schema of the data."""

from contextlib import suppress
from dataclasses import dataclass

from afresh.caches import sqlserver_catalogue as catalogue
from afresh.caches.sqlserver_database import Database
from afresh.caches.sqlserver_errors import NameTaken
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_names import quote_table
from afresh.caches.sqlserver_session import Session
from afresh.core.errors import ConfigurationError

RESERVED = frozenset({"dataupdate", "lastdataupdates", "afreshlease", "afreshcolumn", "afreshaction"})

COLUMNS = (
    "Id",
    "TableName",
    "SourceSystem",
    "UpdateType",
    "StartDT",
    "EndDT",
    "WasSuccessful",
    "NumberRecords",
    "MinimumDT",
    "SourceDT",
    "OperationId",
    "InstanceId",
    "RowsInserted",
    "RowsUpdated",
    "RowsUnchanged",
    "RowsDeleted",
    "RowsDuplicate",
    "Outcome",
    "Reason",
    "ErrorMessage",
    "Cause",
    "Details",
)
"""Of `DataUpdate` and `LastDataUpdates`, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNames:
    """The quoted names of the cache's own tables."""

    update: str
    last: str
    lease: str
    column: str
    action: str


def own_names(schema: str) -> OwnNames:
    """The names in that schema."""
    return OwnNames(
        update=quote_table(schema, "DataUpdate"),
        last=quote_table(schema, "LastDataUpdates"),
        lease=quote_table(schema, "AfreshLease"),
        column=quote_table(schema, "AfreshColumn"),
        action=quote_table(schema, "AfreshAction"),
    )


def statements(schema: str, features: Features) -> dict[str, tuple[str, ...]]:
    """What makes each own table or view, by its name, in order; the one made last shows that all are there."""
    names, exact = own_names(schema), features.exact
    update = f"""
CREATE TABLE {names.update} (
    [Id] bigint IDENTITY(1,1) NOT NULL PRIMARY KEY CLUSTERED,
    [TableName] nvarchar(128){exact} NOT NULL,
    [SourceSystem] nvarchar(400) NOT NULL,
    [UpdateType] int NOT NULL CHECK ([UpdateType] IN (1, 2, 3)),
    [StartDT] datetime2(7) NOT NULL,
    [EndDT] datetime2(7) NULL,
    [WasSuccessful] bit NULL,
    [NumberRecords] bigint NOT NULL,
    [MinimumDT] datetime2(7) NULL,
    [SourceDT] datetime2(7) NULL,
    [OperationId] nvarchar(64){exact} NOT NULL UNIQUE,
    [InstanceId] nvarchar(400){exact} NOT NULL,
    [RowsInserted] bigint NOT NULL DEFAULT 0,
    [RowsUpdated] bigint NOT NULL DEFAULT 0,
    [RowsUnchanged] bigint NOT NULL DEFAULT 0,
    [RowsDeleted] bigint NOT NULL DEFAULT 0,
    [RowsDuplicate] bigint NOT NULL DEFAULT 0,
    [Outcome] nvarchar(20) NULL,
    [Reason] nvarchar(max) NOT NULL,
    [ErrorMessage] nvarchar(max) NULL,
    [Cause] nvarchar(40) NULL,
    [Details] nvarchar(max) NULL
)"""
    last = f"""
CREATE VIEW {names.last} AS
SELECT {", ".join(f"[{name}]" for name in COLUMNS)} FROM {names.update} WHERE [Id] IN (
    SELECT MAX([Id]) FROM {names.update} WHERE [WasSuccessful] = 1 GROUP BY [TableName], [UpdateType]
)"""
    lease = f"""
CREATE TABLE {names.lease} (
    [Name] nvarchar(400){exact} NOT NULL PRIMARY KEY CLUSTERED,
    [Holder] nvarchar(400){exact} NOT NULL,
    [Fence] bigint NOT NULL,
    [ExpiresDT] datetime2(7) NOT NULL
)"""
    column = f"""
CREATE TABLE {names.column} (
    [TableName] nvarchar(128){exact} NOT NULL,
    [Position] int NOT NULL,
    [ColumnName] nvarchar(128){exact} NOT NULL,
    [Type] nvarchar(40) NOT NULL,
    PRIMARY KEY CLUSTERED ([TableName], [ColumnName])
)"""
    action = f"""
CREATE TABLE {names.action} (
    [Id] bigint IDENTITY(1,1) NOT NULL PRIMARY KEY CLUSTERED,
    [ActionDT] datetime2(7) NOT NULL,
    [Who] nvarchar(400) NOT NULL,
    [Action] nvarchar(20){exact} NOT NULL,
    [TableName] nvarchar(128){exact} NOT NULL,
    [SourceSystem] nvarchar(400){exact} NOT NULL,
    [OperationId] nvarchar(64){exact} NOT NULL,
    [Reason] nvarchar(max) NOT NULL,
    [Argument] nvarchar(400) NOT NULL
)"""
    by_table = (
        f"CREATE INDEX [DataUpdateByTable] ON {names.update} ([TableName], [UpdateType], [WasSuccessful])",
        f"CREATE INDEX [DataUpdateByStart] ON {names.update} ([StartDT])",
        f"CREATE INDEX [DataUpdateOfTable] ON {names.update} ([TableName], [Id])",
        f"CREATE INDEX [DataUpdateByOutcome] ON {names.update} ([Outcome], [Id])",
        *later_indexes(schema).values(),
    )
    first = f"INSERT INTO {names.lease} ([Name], [Holder], [Fence], [ExpiresDT]) VALUES (N'', N'', 0, '0001-01-01')"
    return {
        "DataUpdate": (update.strip(), *by_table),
        "LastDataUpdates": (last.strip(),),
        "AfreshLease": (lease.strip(), first),
        "AfreshColumn": (column.strip(),),
        "AfreshAction": (action.strip(),),
    }


def later_columns(schema: str, features: Features) -> tuple[str, ...]:
    """What brings a `DataUpdate` that an earlier version made, and its view, up to date."""
    names = own_names(schema)
    return (
        f"ALTER TABLE {names.update} ADD [Cause] nvarchar(40) NULL, [Details] nvarchar(max) NULL",
        f"DROP VIEW {names.last}",
        *statements(schema, features)["LastDataUpdates"],
    )


def later_indexes(schema: str) -> dict[str, str]:
    """The indexes of `DataUpdate` that an earlier version did not make, by name."""
    table = own_names(schema).update
    return {
        "DataUpdateOfTableByStart": f"CREATE INDEX [DataUpdateOfTableByStart] ON {table} ([TableName], [StartDT])",
        "DataUpdateOfOutcomeByStart": f"CREATE INDEX [DataUpdateOfOutcomeByStart] ON {table} ([Outcome], [StartDT])",
    }


class OwnTables:
    """Makes the own tables when something is first written, and knows from then on that they are there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.names = own_names(database.settings.schema)
        self._there = False
        self._current = False

    def there(self) -> bool:
        """Whether all of them are there; a database without them is an empty cache."""
        if not self._there:
            with self._database.session() as session:
                self._there = catalogue.exists(session, self._database.settings.schema, "AfreshAction")
        return self._there

    def ensure(self) -> None:
        """Makes what is missing, and what an earlier version made anew or in addition."""
        if self._current:
            return
        with self._database.session() as session:
            schema = self._database.settings.schema
            self._check_schema(session, schema)
            features = self._database.features(session)
            before = {column.name for column in catalogue.columns(session, schema, "DataUpdate")}
            if before and "Details" not in before:
                _make(session, later_columns(schema, features))
            for name, needed in statements(schema, features).items():
                if not catalogue.exists(session, schema, name):
                    _make(session, needed)
            indexes = {known.name for known in catalogue.indexes(session, schema, "DataUpdate")}
            for name, index in later_indexes(schema).items():
                # A server that does not tell of its indexes has made them with the table.
                if indexes and name not in indexes:
                    _make(session, (index,))
        self._there = self._current = True

    def _check_schema(self, session: Session, schema: str) -> None:
        if not session.rows("SELECT 1 FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = ?", schema):
            raise ConfigurationError(
                f"{self._database.settings}: there is no schema {schema!r}",
                hint="Make it with CREATE SCHEMA, or name another one in the cache URL (`?schema=`).",
            )


def _make(session: Session, needed: tuple[str, ...]) -> None:
    # If it is there already, another process made it at the same time.
    with suppress(NameTaken), session.transaction():
        for statement in needed:
            session.run(statement)
