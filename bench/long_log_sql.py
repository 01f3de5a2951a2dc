"""The statements that fill a log: one row for each sync of each table, an hour apart, made by the database itself.

Every 168th hour is a Mass, every 24th a Daily, the others are Hourly; one in a hundred failed. Of the tables, 2 in a
hundred have failed for the last six hours, so that a page has something to tell.
"""

from dataclasses import dataclass
from datetime import datetime

_BATCH = 1_000_000
_COLUMNS = (
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
    "Outcome",
    "Reason",
    "ErrorMessage",
    "Cause",
    "Details",
)
_INSTANCE = "bench/1/1/00000000"
_REASON = "the hourly interval is over"
_ERROR = "the source does not answer: connection refused by 192.0.2.17"
_DETAILS = '{"phases":{"read":%d.25,"stage":0.75,"merge":1.5},"batches":1,"plan":"merge: a window of changes"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How many rows, of how many tables; the last is started at `ended`."""

    tables: int
    updates: int
    ended: datetime

    @property
    def first(self) -> float:
        """The second of 1970 in which the first row is started."""
        return self.ended.timestamp() - 3600 * self.updates / self.tables

    @property
    def hours(self) -> int:
        """How many rows each table has."""
        return self.updates // self.tables


def table_name(number: int) -> str:
    """The table of that number, counted from 0."""
    return f"Table{number:04d}"


def sqlite(rows: Rows) -> str:
    """One INSERT of everything."""
    at = f"{rows.first!r} + n * {3600 / rows.tables!r}"

    def instant(seconds: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f000', {seconds}, 'unixepoch')"

    values = (
        "n + 1",
        f"printf('Table%04d', n % {rows.tables})",
        "'ERP'",
        f"CASE WHEN n / {rows.tables} % 168 = 0 THEN 1 WHEN n / {rows.tables} % 24 = 0 THEN 2 ELSE 3 END",
        instant("at"),
        instant("at + 3 + n % 50"),
        "good",
        "iif(good, 1000 + n % 7919, -1)",
        f"iif(n / {rows.tables} % 168 = 0, NULL, {instant('at - 10800')})",
        f"iif(good, {instant('at')}, NULL)",
        "lower(hex(randomblob(16)))",
        f"'{_INSTANCE}'",
        "good * (n % 13)",
        "good * (n % 101)",
        "good * (1000 + n % 7919 - n % 101 - n % 13)",
        "iif(good, 'succeeded', 'failed')",
        f"'{_REASON}'",
        f"iif(good, NULL, '{_ERROR}')",
        "iif(good, NULL, 'source unreachable')",
        f"printf('{_DETAILS}', n % 50)",
    )
    return (
        f"WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers LIMIT {rows.updates}), "
        f"rows AS (SELECT n, {at} AS at, NOT ({_fails(rows)}) AS good FROM numbers) "
        f"INSERT INTO DataUpdate ({', '.join(_COLUMNS)}) SELECT {', '.join(values)} FROM rows"
    )


def postgres(rows: Rows) -> list[str]:
    """Some INSERTs, each of a piece, and the number that the next row has."""
    at = f"to_timestamp({rows.first!r} + n * {3600 / rows.tables!r})"
    values = (
        "n + 1",
        f"'Table' || lpad((n % {rows.tables})::text, 4, '0')",
        "'ERP'",
        f"CASE WHEN n / {rows.tables} % 168 = 0 THEN 1 WHEN n / {rows.tables} % 24 = 0 THEN 2 ELSE 3 END",
        "at",
        "at + make_interval(secs => 3 + n % 50)",
        "good",
        "CASE WHEN good THEN 1000 + n % 7919 ELSE -1 END",
        f"CASE WHEN n / {rows.tables} % 168 = 0 THEN NULL ELSE at - interval '3 hours' END",
        "CASE WHEN good THEN at END",
        "md5(n::text)",
        f"'{_INSTANCE}'",
        "good::int * (n % 13)",
        "good::int * (n % 101)",
        "good::int * (1000 + n % 7919 - n % 101 - n % 13)",
        "CASE WHEN good THEN 'succeeded' ELSE 'failed' END",
        f"'{_REASON}'",
        f"CASE WHEN NOT good THEN '{_ERROR}' END",
        "CASE WHEN NOT good THEN 'source unreachable' END",
        f"format('{_DETAILS.replace('%d', '%s')}', n % 50)",
    )
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    pieces = [
        f'INSERT INTO "DataUpdate" ({names}) OVERRIDING SYSTEM VALUE SELECT {", ".join(values)} FROM ('
        f"SELECT n, {at} AS at, NOT ({_fails(rows)}) AS good "
        f"FROM generate_series({first}, {min(first + _BATCH, rows.updates) - 1}) AS n) AS rows"
        for first in range(0, rows.updates, _BATCH)
    ]
    return [*pieces, f'ALTER TABLE "DataUpdate" ALTER COLUMN "Id" RESTART WITH {rows.updates + 1}']


def _fails(rows: Rows) -> str:
    """Whether the sync of that number failed."""
    late = f"n % 50 = 7 AND n / {rows.tables} >= {rows.hours - 6}"
    return f"({late}) OR n % 101 = 5"
