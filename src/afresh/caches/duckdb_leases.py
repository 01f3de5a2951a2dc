"""The leases of the DuckDB cache."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from afresh.caches.duckdb_connection import Database
from afresh.caches.duckdb_log import instant, make_own_tables
from afresh.caches.duckdb_session import Session
from afresh.caches.duckdb_tables import has_own_tables
from afresh.core.ports import Lease

_MINE = "Name = ? AND Holder = ? AND Fence = ?"
_HELD = """
SELECT Name, Holder, Fence, epoch_us(ExpiresDT) FROM main.AfreshLease WHERE starts_with(Name, ?) ORDER BY Name
"""


class DuckdbLeases:
    """Leases as rows of `AfreshLease`. They are no reason to publish."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        def work(session: Session) -> Lease | None:
            make_own_tables(session)
            found = session.rows(
                "SELECT Holder, Fence, epoch_us(ExpiresDT) FROM main.AfreshLease WHERE Name = ?", (name,)
            )
            if found and found[0][0] != holder and instant(found[0][2]) > now:
                return None
            mine = bool(found) and found[0][0] == holder
            fence = found[0][1] if mine else session.one("SELECT nextval('main.AfreshFence')")
            session.run("DELETE FROM main.AfreshLease WHERE Name = ?", (name,))
            session.run("INSERT INTO main.AfreshLease VALUES (?, ?, ?, ?)", (name, holder, fence, now + ttl))
            return Lease(name=name, holder=holder, fence=fence, expires=now + ttl)

        return self._database.transact_in_turn(work, publish=False)

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        def work(session: Session) -> int:
            make_own_tables(session)
            return session.one(
                f"UPDATE main.AfreshLease SET ExpiresDT = ? WHERE {_MINE}",
                (now + ttl, lease.name, lease.holder, lease.fence),
            )

        if not self._database.transact_in_turn(work, publish=False):
            return None
        return Lease(name=lease.name, holder=lease.holder, fence=lease.fence, expires=now + ttl)

    def release(self, lease: Lease) -> None:
        def work(session: Session) -> None:
            make_own_tables(session)
            session.run(f"DELETE FROM main.AfreshLease WHERE {_MINE}", (lease.name, lease.holder, lease.fence))

        self._database.transact_in_turn(work, publish=False)

    def held(self, prefix: str) -> Sequence[Lease]:
        if not self._database.exists():
            return []
        with self._database.reading() as session:
            if not has_own_tables(session):
                return []
            rows = session.rows(_HELD, (prefix,))
        return [Lease(name=row[0], holder=row[1], fence=row[2], expires=instant(row[3])) for row in rows]
