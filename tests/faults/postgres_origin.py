"""A PostgreSQL server as the source of the trial."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import SecretStr
from tests.caches import postgres_server as server
from tests.faults.origin import Origin, Row
from tests.sources import postgres_source_rig as rigs

PASSWORD = "a secret of the trial"


class PostgresOrigin(Origin):
    """A schema, and a role that is in the kit's reader."""

    kind: ClassVar[str] = "postgres"

    @property
    def _name(self) -> str:
        """Of the schema, of the role, and that which sessions give themselves."""
        return self.rig.table(self.directory, "").schema or ""

    def options(self) -> Mapping[str, Any]:
        host, port = self.proxy.address
        return {
            "host": host,
            "port": port,
            "database": rigs.accounts().get("dbname") or "postgres",
            "user": self._name,
            "password": SecretStr(PASSWORD),
            "sslmode": "disable",
            "application_name": self._name,
            "connect_timeout": timedelta(seconds=2),
            "read_timeout": timedelta(seconds=1),
            "lock_timeout": timedelta(milliseconds=300),
        }

    def prepare(self) -> None:
        server.run(f"CREATE ROLE \"{self._name}\" LOGIN PASSWORD '{PASSWORD}' IN ROLE {rigs.READER}")

    def discard(self) -> None:
        server.run(f'DROP ROLE "{self._name}"')

    def set_password(self, *, right: bool) -> None:
        server.run(f"ALTER ROLE \"{self._name}\" PASSWORD '{PASSWORD if right else 'another'}'")

    def sessions(self) -> int:
        ((found,),) = server.run(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{self._name}'")
        return int(found)

    def end_sessions(self) -> None:
        server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self._name}'")

    def rows(self, table: str) -> list[Row]:
        return server.run(f"SELECT * FROM {self.rig.place(self.directory, table)} ORDER BY 1")

    def rename(self, old: str, new: str, name: str) -> str:
        return f"ALTER TABLE {old} RENAME TO {self.rig.quote(name)}"

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        with server.connect() as other:
            other.execute("BEGIN")
            other.execute(f"LOCK TABLE {self.rig.place(self.directory, table)} IN ACCESS EXCLUSIVE MODE".encode())
            yield
            other.execute("ROLLBACK")
