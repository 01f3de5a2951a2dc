"""The leases of the SQL Server cache."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from afresh.caches.sqlserver_database import Database
from afresh.caches.sqlserver_log import aware, naive, take_turn
from afresh.caches.sqlserver_own import OwnNames, OwnTables
from afresh.caches.sqlserver_session import Session
from afresh.core.ports import Lease


class SqlServerLeases:
    """Leases as rows of `AfreshLease`. All fences come from the row without a name, so that each is used once."""

    def __init__(self, database: Database, own: OwnTables) -> None:
        self._database = database
        self._own = own

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        self._own.ensure()
        return self._database.transact(lambda session: _take(session, self._own.names, name, holder, now, ttl))

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        renewed = Lease(name=lease.name, holder=lease.holder, fence=lease.fence, expires=now + ttl)
        statement = (
            f"UPDATE {self._own.names.lease} SET [ExpiresDT] = ? WHERE [Name] = ? AND [Holder] = ? AND [Fence] = ?"
        )
        parameters = (naive(renewed.expires), lease.name, lease.holder, lease.fence)
        return renewed if self._change(statement, *parameters) else None

    def release(self, lease: Lease) -> None:
        statement = f"DELETE FROM {self._own.names.lease} WHERE [Name] = ? AND [Holder] = ? AND [Fence] = ?"
        self._change(statement, lease.name, lease.holder, lease.fence)

    def held(self, prefix: str) -> Sequence[Lease]:
        statement = (
            f"SELECT [Name], [Holder], [Fence], [ExpiresDT] FROM {self._own.names.lease} "
            "WHERE [Name] <> N'' ORDER BY [Name]"
        )
        if not self._own.there():
            return []
        with self._database.session() as session:
            found = session.rows(statement)
        return [
            Lease(name=name, holder=holder, fence=int(fence), expires=aware(expires))
            for name, holder, fence, expires in found
            # Here, because a prefix is a prefix of its own characters and blanks, in no collation.
            if str(name).startswith(prefix)
        ]

    def _change(self, statement: str, *parameters: object) -> int:
        if not self._own.there():
            return 0
        return self._database.transact(lambda session: session.changed(statement, *parameters))


def _take(session: Session, own: OwnNames, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
    take_turn(session, own)
    found = session.one(f"SELECT [Holder], [Fence], [ExpiresDT] FROM {own.lease} WHERE [Name] = ?", name)
    if found is not None and found[0] != holder and aware(found[2]) > now:
        return None
    if found is not None and found[0] == holder:
        fence = int(found[1])
    else:
        fence = session.number(f"SELECT [Fence] FROM {own.lease} WHERE [Name] = N''")
    lease = Lease(name=name, holder=holder, fence=fence, expires=now + ttl)
    values = (holder, fence, naive(lease.expires), name)
    if found is None:
        statement = f"INSERT INTO {own.lease} ([Holder], [Fence], [ExpiresDT], [Name]) VALUES (?, ?, ?, ?)"
    else:
        statement = f"UPDATE {own.lease} SET [Holder] = ?, [Fence] = ?, [ExpiresDT] = ? WHERE [Name] = ?"
    session.run(statement, *values)
    return lease
