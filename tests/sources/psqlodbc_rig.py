"""What the kit for sources needs of PostgreSQL read through psqlODBC: the server and schemas of its own rig."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from tests.caches import postgres_server as server
from tests.sources.odbc_drivers import package_version
from tests.sources.postgres_source_rig import PASSWORD, READER, PostgresSourceRig, accounts

from afresh.core.ports import SourceSystem
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_options import OdbcOptions
from afresh.sources.odbc_postgres import POSTGRES
from afresh.testing.clock import ManualClock
from afresh.testing.source_kit_rig import SourceTrial, Wish


def source_of(*, zone: str = "UTC", show_values: bool = False, application: str, **settings: Any) -> OdbcSource:
    """The source that reads with those settings, called `Kit`."""
    known = accounts()
    chosen: dict[str, Any] = {
        "host": known.get("host") or "localhost",
        "port": int(known.get("port") or 5432),
        "database": known.get("dbname") or "postgres",
        "user": READER,
        "password": PASSWORD,
        **settings,
    }
    chosen["password"] = SecretStr(chosen["password"])
    return OdbcSource(
        name="Kit",
        kind="odbc",
        options=OdbcOptions(profile="postgres", keywords={"ApplicationName": application}, **chosen),
        profile=POSTGRES,
        time_zone=ZoneInfo(zone),
        clock=ManualClock(),
        show_values=show_values,
    )


class PsqlOdbcRig(PostgresSourceRig):
    """The schemas of PostgreSQL's own rig, read over ODBC."""

    gaps: ClassVar = MappingProxyType({})
    own_statements: ClassVar = MappingProxyType(
        {
            "DECLARE afresh ": "the cursor through which a result is read, so that the driver need not hold all of it",
            "FETCH ": "from that cursor",
            "CLOSE afresh": "that cursor",
            "BEGIN": "the transaction in which all is read",
        }
    )

    def trial(self) -> SourceTrial:
        by = f"arrow-odbc {version('arrow-odbc')}, odbc-postgresql {package_version('odbc-postgresql')}"
        return SourceTrial(kind="odbc", product="PostgreSQL", version=server.version(), by=by)

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        settings: dict[str, Any] = {}
        if wish.through is not None:
            settings["host"], settings["port"] = wish.through.address
        if wish.wrong_password:
            settings["password"] = "wrong"
        if wish.timeout is not None:
            settings.update(silence_timeout=wish.timeout, login_timeout=wish.timeout)
        application = self._SCHEMAS[directory]
        return source_of(zone=wish.time_zone, show_values=wish.show_values, application=application, **settings)

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        accounts()
        known = accounts()
        address = {"host": known.get("host"), "port": int(known.get("port") or 5432), "database": known.get("dbname")}
        return partial(_elsewhere, self._SCHEMAS[directory], address)


def _elsewhere(application: str, address: dict[str, Any]) -> OdbcSource:
    chosen: dict[str, Any] = {**address, "user": READER, "password": SecretStr(PASSWORD)}
    return OdbcSource(
        name="Kit",
        kind="odbc",
        options=OdbcOptions(profile="postgres", keywords={"ApplicationName": application}, **chosen),
        profile=POSTGRES,
        time_zone=ZoneInfo("UTC"),
        clock=ManualClock(),
    )
