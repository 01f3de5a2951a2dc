"""Leases, and what people asked for."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from afresh.core.actions import Action
from afresh.core.ports import Lease
from shelf.database import Database


class ShelfLeases:
    """One row for each name that was ever taken; it keeps the fence when the lease is given back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Takes what is free, expired, or the holder's own."""
        with self._database.writing() as connection:
            known = connection.execute("SELECT Fence, Whole FROM AfreshLease WHERE Name = ?", [name]).fetchall()
            fence, whole = known[0] if known else (0, None)
            held: Lease | None = pickle.loads(whole) if whole else None  # noqa: S301
            if held is not None and held.holder != holder and held.expires > now:
                return None
            same = held is not None and held.holder == holder
            lease = Lease(name=name, holder=holder, fence=fence if same else fence + 1, expires=now + ttl)
            connection.execute(
                "INSERT OR REPLACE INTO AfreshLease VALUES (?, ?, ?)", [name, lease.fence, pickle.dumps(lease)]
            )
        return lease

    def renew(self, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
        """Prolongs what is still the holder's."""
        renewed = replace(lease, expires=now + ttl)
        return renewed if self._change(lease, pickle.dumps(renewed)) else None

    def release(self, lease: Lease) -> None:
        """Gives back what is still the holder's."""
        self._change(lease, None)

    def held(self, prefix: str) -> Sequence[Lease]:
        """All that are held, by name."""
        rows = self._database.rows("SELECT Whole FROM AfreshLease WHERE Whole IS NOT NULL ORDER BY Name")
        leases: list[Lease] = [pickle.loads(whole) for (whole,) in rows]  # noqa: S301
        return [lease for lease in leases if lease.name.startswith(prefix)]

    def _change(self, lease: Lease, whole: bytes | None) -> bool:
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE AfreshLease SET Whole = ? WHERE Name = ? AND Fence = ? AND Whole IS NOT NULL",
                [whole, lease.name, lease.fence],
            )
            return changed.rowcount == 1


class ShelfActions:
    """Rows are only added."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, action: Action) -> Action:
        """Writes it, with the next number."""
        with self._database.writing() as connection:
            ((last,),) = connection.execute("SELECT coalesce(max(Sequence), 0) FROM AfreshAction")
            recorded = replace(action, sequence=last + 1)
            connection.execute("INSERT INTO AfreshAction VALUES (?, ?)", [last + 1, pickle.dumps(recorded)])
        return recorded

    def latest(self) -> Sequence[Action]:
        """The last of each kind, table and source system."""
        found = {(action.kind, action.table_name, action.source_system): action for action in self._all()}
        return sorted(found.values(), key=lambda action: action.sequence)

    def recent(
        self, *, table_name: str | None = None, after: int = 0, before: int | None = None, limit: int = 100
    ) -> Sequence[Action]:
        """Those between two numbers, latest first."""
        found = [
            action
            for action in reversed(self._all())
            if action.sequence > after
            and (before is None or action.sequence < before)
            and (table_name is None or action.table_name == table_name)
        ]
        return found[:limit]

    def _all(self) -> list[Action]:
        rows = self._database.rows("SELECT Whole FROM AfreshAction ORDER BY Sequence")
        return [pickle.loads(whole) for (whole,) in rows]  # noqa: S301
