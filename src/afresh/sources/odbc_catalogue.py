"""What a database behind ODBC tells of its tables and of us."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from afresh.core.errors import ConfigurationError, QueryFailed
from afresh.core.ports import Account, SourceColumn, TableInfo, TableSummary
from afresh.core.schema import DATETIME, TIME, type_name
from afresh.core.select import Output, Query, TableName
from afresh.sources.odbc_driver import Room
from afresh.sources.odbc_errors import Fault
from afresh.sources.odbc_profile import Profile
from afresh.sources.odbc_session import Session
from afresh.sources.render import Dialect, quote, replace_minimum

SMALL = Room(rows=200, text=8_000, memory=16 * 1024 * 1024)
_NARROW: dict[Any, pa.DataType] = {
    pa.int8(): pa.int16(),
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float64(),
    pa.float32(): pa.float64(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """Asks one database."""

    profile: Profile
    dialect: Dialect

    def columns(self, session: Session, table: TableName) -> tuple[SourceColumn, ...]:
        """The columns of a table; empty if there is none."""
        if self.profile.lists.columns is None:
            return self._by_driver(session, table)
        found = []
        for name, declared, nullable in session.rows(self.profile.lists.columns(table), SMALL):
            kind, length = self.profile.declared(declared or "")
            found.append(
                SourceColumn(
                    name=name, type=kind, nullable=str(nullable) != "0", length=length, declared=declared or ""
                )
            )
        return tuple(found)

    def key(self, session: Session, table: TableName) -> tuple[str, ...]:
        """The names of the key's columns; empty if the database knows of none, or cannot be asked."""
        ask = self.profile.lists.key
        return () if ask is None else tuple(name for (name,) in session.rows(ask(table), SMALL))

    def table(self, session: Session, table: TableName) -> TableInfo | None:
        """All of a table; None if there is none."""
        columns = self.columns(session, table)
        if not columns:
            return None
        rows = None
        if self.profile.lists.rows is not None:
            answer = session.rows(self.profile.lists.rows(table), SMALL)
            rows = _number(answer[0][0]) if answer else None
        return TableInfo(columns=columns, key=self.key(session, table), rows=rows)

    def tables(self, session: Session, schema: str | None) -> Sequence[TableSummary]:
        """The tables and views, in the order in which the database gave them."""
        if self.profile.lists.tables is None:
            raise ConfigurationError(
                "this database cannot list its tables", hint="Name the tables in the configuration."
            )
        return tuple(
            TableSummary(
                table=TableName(str(name), str(owner) if owner is not None else schema),
                rows=_number(rows),
                size=_number(size),
                is_view=str(view) == "1",
            )
            for owner, name, rows, size, view in session.rows(self.profile.lists.tables(schema), SMALL)
        )

    def account(self, session: Session, user: str) -> Account:
        """Who we are there; what may not be asked is not known."""
        lists = self.profile.lists
        told, version = session.rows(lists.account, SMALL)[0] if lists.account else (None, "")
        rights = None
        if lists.rights:
            try:
                rights = tuple(str(right) for (right,) in session.rows(lists.rights, SMALL))
            except Fault:
                rights = None
        advice: tuple[str, ...] = ()
        if not self.profile.tested:
            advice = ("This kind of source was written from documentation and tried on no server.",)
        if rights:
            advice += ("The account could write; an account that only reads is enough.",)
        if (right := lists.oldest_right(str(told or user))) and not self._sees_transactions(session):
            advice += (f"{right}: it lets us see open transactions, so that no window begins after one of them.",)
        return Account(user=told or user, version=str(version or ""), may_write=rights, advice=advice)

    def _sees_transactions(self, session: Session) -> bool:
        try:
            session.rows(self.profile.lists.oldest, SMALL)
        except Fault:
            return False
        return True

    def instant(self, session: Session, sql: str) -> datetime | None:
        """An instant that the database tells in UTC; None if it has none to tell."""
        answer = session.rows(sql, SMALL)
        value: Any = answer[0][0] if answer else None
        if value is None:
            return None
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC)

    def query(self, session: Session, query: Query) -> tuple[SourceColumn, ...]:
        """The result columns of a query, which gives no row."""
        return tuple(column for _, column in self.results(session, query))

    def results(self, session: Session, query: Query) -> tuple[tuple[str, SourceColumn], ...]:
        """The same, each with the name that it has in the result."""
        sql = replace_minimum(query.sql, self.dialect.name, lambda: "NULL")
        asked = f"SELECT * FROM (\n{sql}\n) AS q WHERE 1 = 0" if self.profile.wraps else sql
        types, schema = self._result(session, asked, sql)
        given = {output.column.casefold(): output for output in query.outputs}
        missing = [output.column for output in query.outputs if output.column.casefold() not in _folded(schema.names)]
        if missing:
            raise QueryFailed(
                f"the query has no result column {missing[0]!r}", hint=f"Its columns are: {', '.join(schema.names)}."
            )
        return tuple(
            (field.name, self._result_column(field, declared, given.get(field.name.casefold())))
            for field, declared in zip(schema, types, strict=True)
        )

    def _result(self, session: Session, asked: str, sql: str) -> tuple[list[str], pa.Schema]:
        schema = session.look(asked, SMALL)
        lists = self.profile.lists
        if lists.query is not None:
            names = [quote(name, self.dialect) for name in schema.names]
            return [str(name) for name in session.rows(lists.query(sql, names), SMALL)[0]], schema
        return [self.profile.query_types(field.type) for field in schema], schema

    def _result_column(self, field: Any, declared: str, given: Output | None) -> SourceColumn:
        if given is not None:
            return SourceColumn(name=given.name, type=given.type, declared=declared)
        by_name = self.profile.lists.query is not None and declared
        kind = self.profile.declared(declared)[0] if by_name else arrives(field.type)
        return SourceColumn(name=field.name, type=kind, declared=declared)

    def _by_driver(self, session: Session, table: TableName) -> tuple[SourceColumn, ...]:
        """As the driver describes a result without rows; types are written as a configuration writes ours."""
        place = quote(table.name, self.dialect)
        if table.schema:
            place = f"{quote(table.schema, self.dialect)}.{place}"
        try:
            schema = session.look(f"SELECT * FROM {place} WHERE 1 = 0", SMALL)
        except Fault:
            return ()
        return tuple(
            SourceColumn(
                name=field.name,
                type=arrives(field.type),
                nullable=field.nullable,
                declared=type_name(arrives(field.type)),
            )
            for field in schema
        )


def arrives(found: Any) -> pa.DataType:
    """The type of ours for what a driver describes."""
    if found in _NARROW:
        return _NARROW[found]
    if pa.types.is_timestamp(found):
        return DATETIME
    if pa.types.is_date(found):
        return pa.date32()
    if pa.types.is_time(found):
        return TIME
    if pa.types.is_decimal(found):
        return pa.int64() if found.scale == 0 and found.precision <= 18 else pa.decimal128(found.precision, found.scale)
    if pa.types.is_binary(found) or pa.types.is_fixed_size_binary(found):
        return pa.binary()
    if pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_boolean(found):
        return pa.field("", found).type
    return pa.string()


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
