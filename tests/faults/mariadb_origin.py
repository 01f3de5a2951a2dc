"""A MariaDB server, read over ODBC, as the source of the trial."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import SecretStr
from tests.faults.origin import Origin, Row
from tests.sources.mariadb_server import server

PASSWORD = "a secret; of {the} trial"


class MariadbOrigin(Origin):
    """A database, and an account of the same name."""

    kind: ClassVar[str] = "mysql"

    @property
    def _name(self) -> str:
        return self.rig.table(self.directory, "").schema or ""

    def options(self) -> Mapping[str, Any]:
        host, port = self.proxy.address
        return {
            "host": host,
            "port": port,
            "database": self._name,
            "user": self._name,
            "password": SecretStr(PASSWORD),
            "login_timeout": timedelta(seconds=1),
            "silence_timeout": timedelta(seconds=1),
        }

    def prepare(self) -> None:
        server().run(
            f"CREATE USER {self._name}@'%' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT, SHOW VIEW ON {self._name}.* TO {self._name}@'%'",
            f"GRANT PROCESS ON *.* TO {self._name}@'%'",
        )

    def discard(self) -> None:
        server().run(f"DROP USER {self._name}@'%'")

    def set_password(self, *, right: bool) -> None:
        server().run(f"ALTER USER {self._name}@'%' IDENTIFIED BY '{PASSWORD if right else 'another'}'")

    def sessions(self) -> int:
        asked = f"SELECT COUNT(*) FROM INFORMATION_SCHEMA.PROCESSLIST WHERE USER = '{self._name}'"
        return int(server().run(asked)[0][0])

    def end_sessions(self) -> None:
        server().run(f"KILL HARD CONNECTION USER {self._name}")

    def rows(self, table: str) -> list[Row]:
        found = server().run(f"SELECT * FROM {self.rig.place(self.directory, table)} ORDER BY 1")
        return [
            (int(number), int(version), name, Decimal(amount), datetime.fromisoformat(changed))
            for number, version, name, amount, changed in found
        ]

    def rename(self, old: str, new: str, name: str) -> str:
        return f"RENAME TABLE {old} TO {new}"
