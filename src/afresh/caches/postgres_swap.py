"""Putting a shadow in a table's place by renaming it, so that nothing shows but the rows."""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.sql import Literal

from afresh.caches import postgres_sql as sql
from afresh.caches.postgres_catalogue import table_id
from afresh.caches.postgres_connection import Connection, Database
from afresh.caches.postgres_facts import Facts, Index, facts, grants, not_nulls
from afresh.core.ports import Cancellation
from afresh.core.schema import TableSchema

_LOCK_MILLISECONDS = 100
"""So long at most do new readers wait behind us for a reader who was there before."""

_PAUSE_SECONDS = 0.2
_SNAPSHOT_PATIENCE = timedelta(seconds=5)

_SNAPSHOTS = """
SELECT l.virtualtransaction FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock' AND a.backend_xmin IS NOT NULL
    AND a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
"""
_STILL_THERE = "SELECT 1 FROM pg_locks WHERE locktype = 'virtualxid' AND virtualtransaction = ANY ($1::text[]) LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A shadow that is defined as its table is, and can take its place."""

    database: Database
    connection: Connection
    table_name: str
    shadow_name: str
    facts: Facts

    def swap(self, cancel: Cancellation) -> bool:
        """Within the caller's transaction, which holds the table against writers, takes the table's place.

        False, and the table as it was, if that cannot be done unseen: something came to depend on the table, a
        transaction with an older snapshot would find the new table empty, or a long reader does not let go.
        """
        older = [row[0] for row in self.connection.execute(_SNAPSHOTS)]
        oid = table_id(self.database, self.connection, self.table_name)
        if oid is None:
            return False
        now = facts(self.connection, oid)
        if now.obstacles or now.definition != self.facts.definition:
            return False
        made = self._make_indexes(now)
        self.connection.execute(f"ANALYZE {self._shadow}")
        return self._outlived(older, cancel) and self._locked_and_renamed(oid, now, made, cancel)

    @property
    def _table(self) -> str:
        return self.database.name(self.table_name)

    @property
    def _shadow(self) -> str:
        return self.database.name(self.shadow_name)

    def _make_indexes(self, now: Facts) -> dict[str, Index]:
        """The shadow's indexes under names of their own, made now that the rows are there; with what they will be."""
        made = {}
        for number, index in enumerate(now.indexes):
            if index.primary:
                continue
            name = sql.working_name("Shadow", f"{number}", self.shadow_name.rpartition("_")[2])
            made[name] = index
            if index.constraint is not None:
                self.connection.execute(
                    f"ALTER TABLE {self._shadow} ADD CONSTRAINT {sql.quote(name)} {index.constraint}"
                )
            else:
                unique = "UNIQUE " if index.unique else ""
                self.connection.execute(f"CREATE {unique}INDEX {sql.quote(name)} ON {self._shadow} {index.method}")
        return made

    def _outlived(self, older: list[str], cancel: Cancellation) -> bool:
        """Waits until no snapshot from before the shadow's last rows is in use, but not for long."""
        give_up = time.monotonic() + min(_SNAPSHOT_PATIENCE, self.database.lock_timeout).total_seconds()
        while older and self.connection.execute(_STILL_THERE, (older,)).fetchone():
            if time.monotonic() > give_up:
                return False
            cancel.check()
            time.sleep(_PAUSE_SECONDS / 10)
        return True

    def _locked_and_renamed(self, oid: int, now: Facts, made: dict[str, Index], cancel: Cancellation) -> bool:
        """Tries again and again for a moment without readers, rather than have new ones queue behind us."""
        give_up = time.monotonic() + self.database.lock_timeout.total_seconds()
        while True:
            done = False
            try:
                with self.connection.transaction():
                    self.connection.execute(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
                    self.connection.execute(f"LOCK TABLE {self._table} IN ACCESS EXCLUSIVE MODE")
                    if facts(self.connection, oid) != now:
                        raise psycopg.Rollback
                    self._rename(oid, now, made)
                    done = True
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                if time.monotonic() > give_up:
                    return False
                cancel.check()
                time.sleep(_PAUSE_SECONDS)
            except psycopg.errors.DependentObjectsStillExist:
                return False
            else:
                return done

    def _rename(self, oid: int, now: Facts, made: dict[str, Index]) -> None:
        shadow = table_id(self.database, self.connection, self.shadow_name)
        assert shadow is not None
        self._copy_grants(oid, shadow)
        null_names = not_nulls(self.connection, oid)
        self.connection.execute(f"DROP TABLE {self._table}")
        self.connection.execute(f"ALTER TABLE {self._shadow} RENAME TO {sql.quote(self.table_name)}")
        for column, name in not_nulls(self.connection, shadow).items():
            if null_names.get(column, name) != name:
                self.connection.execute(
                    f"ALTER TABLE {self._table} RENAME CONSTRAINT {sql.quote(name)} TO {sql.quote(null_names[column])}"
                )
        if now.comment is not None:
            self._comment(f"TABLE {self._table}", now.comment)
        primary = next(index for index in now.indexes if index.primary)
        for name, index in {self._primary_name(shadow): primary, **made}.items():
            self._rename_index(name, index)

    def _rename_index(self, name: str, index: Index) -> None:
        """A constraint has its index's name, and is renamed with it."""
        self.connection.execute(f"ALTER INDEX {self.database.name(name)} RENAME TO {sql.quote(index.name)}")
        if index.comment is not None:
            self._comment(f"INDEX {self.database.name(index.name)}", index.comment)
        if index.constraint_comment is not None:
            self._comment(f"CONSTRAINT {sql.quote(index.name)} ON {self._table}", index.constraint_comment)

    def _primary_name(self, shadow: int) -> str:
        statement = "SELECT indexrelid::regclass::oid FROM pg_index WHERE indrelid = $1 AND indisprimary"
        return str(self._one("SELECT relname FROM pg_class WHERE oid = $1", self._one(statement, shadow)))

    def _copy_grants(self, oid: int, shadow: int) -> None:
        wanted, there = grants(self.connection, oid), grants(self.connection, shadow)
        for grant in there - wanted:
            self.connection.execute(f"REVOKE {grant.privilege} ON {self._shadow} FROM {grant.grantee}")
        for grant in wanted - there:
            option = " WITH GRANT OPTION" if grant.grantable else ""
            self.connection.execute(f"GRANT {grant.privilege} ON {self._shadow} TO {grant.grantee}{option}")

    def _comment(self, what: str, comment: str) -> None:
        self.connection.execute(f"COMMENT ON {what} IS {Literal(comment).as_string(self.connection)}")

    def _one(self, statement: str, parameter: object) -> Any:
        found = self.connection.execute(statement, (parameter,)).fetchone()
        assert found is not None
        return found[0]


def make_twin(
    database: Database, connection: Connection, table_name: str, shadow_name: str, schema: TableSchema
) -> Twin | None:
    """Makes the shadow as a twin of the table, within the caller's transaction; None if it could never replace it."""
    oid = table_id(database, connection, table_name)
    if oid is None:
        return None
    found = facts(connection, oid)
    if found.obstacles or not any(index.primary for index in found.indexes):
        return None
    for statement in sql.create_twin(database.name(shadow_name), database.name(table_name), schema):
        connection.execute(statement)
    return Twin(database=database, connection=connection, table_name=table_name, shadow_name=shadow_name, facts=found)
