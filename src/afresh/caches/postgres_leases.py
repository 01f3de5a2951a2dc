"""The leases of the PostgreSQL cache."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from afresh.caches.postgres_connection import Database
from afresh.caches.postgres_tables import LEASE, writing_own
from afresh.core.ports import Lease

_TAKE = """
INSERT INTO {lease} AS l ("Name", "Holder", "ExpiresDT") VALUES ($1, $2, $3)
ON CONFLICT ("Name") DO UPDATE SET
    "Holder" = excluded."Holder",
    "Fence" = CASE WHEN l."Holder" = excluded."Holder" THEN l."Fence" ELSE excluded."Fence" END,
    "ExpiresDT" = excluded."ExpiresDT"
WHERE l."Holder" = excluded."Holder" OR l."ExpiresDT" <= $4
RETURNING "Fence"
"""
_RENEW = 'UPDATE {lease} SET "ExpiresDT" = $1 WHERE "Name" = $2 AND "Holder" = $3 AND "Fence" = $4'
_RELEASE = 'DELETE FROM {lease} WHERE "Name" = $1 AND "Holder" = $2 AND "Fence" = $3'
_HELD = """
SELECT "Name", "Holder", "Fence", "ExpiresDT" FROM {lease} WHERE starts_with("Name", $1) ORDER BY "Name"
"""


class PostgresLeases:
    """Leases as rows of `AfreshLease`. Each change is one statement, so two never both succeed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        with writing_own(self._database) as connection:
            found = connection.execute(self._sql(_TAKE), (name, holder, now + ttl, now)).fetchone()
        return None if found is None else Lease(name=name, holder=holder, fence=found[0], expires=now + ttl)

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        parameters = (now + ttl, lease.name, lease.holder, lease.fence)
        with writing_own(self._database) as connection:
            changed = connection.execute(self._sql(_RENEW), parameters).rowcount
        return Lease(name=lease.name, holder=lease.holder, fence=lease.fence, expires=now + ttl) if changed else None

    def release(self, lease: Lease) -> None:
        with writing_own(self._database) as connection:
            connection.execute(self._sql(_RELEASE), (lease.name, lease.holder, lease.fence))

    def held(self, prefix: str) -> Sequence[Lease]:
        with self._database.connected() as connection:
            try:
                rows = connection.execute(self._sql(_HELD), (prefix,)).fetchall()
            except psycopg.errors.UndefinedTable:
                return []
        return [Lease(name=row[0], holder=row[1], fence=row[2], expires=row[3].astimezone(UTC)) for row in rows]

    def _sql(self, statement: str) -> str:
        return statement.format(lease=self._database.name(LEASE))
