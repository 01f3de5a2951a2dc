"""One session of an Oracle database: opened read-only, named for its administrator, closed on every way out."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from afresh.core.errors import ConfigurationError
from afresh.core.ports import Cancellation
from afresh.sources.oracle_errors import translated
from afresh.sources.oracle_options import OracleOptions

MODULE = "afresh"
READ_ONLY = "SET TRANSACTION READ ONLY"
_THICK = threading.Lock()


class Sessions:
    """Opens sessions with the options of one source."""

    def __init__(self, name: str, options: OracleOptions, base_directory: Path, driver: Any = None) -> None:
        self._place = f"source {name}"
        self._options = options
        self._base = base_directory
        self._driver = driver

    @property
    def driver(self) -> Any:
        """python-oracledb; ConfigurationError if it is not installed, or its client libraries cannot be loaded."""
        if self._driver is None:
            try:
                import oracledb
            except ImportError as error:
                raise ConfigurationError(
                    f"{self._place}: the driver python-oracledb is not installed",
                    hint="Install it: pip install 'afresh[oracle]'.",
                ) from error
            if self._options.thick:
                self._load_client(oracledb)
            self._driver = oracledb
        return self._driver

    @contextmanager
    def open(self, cancel: Cancellation, action: str) -> Iterator["Session"]:
        """A session inside a read-only transaction, which sees one state of the database; a cancellation breaks off
        what runs in it. `action` is what the administrator sees in V$SESSION beside the module `afresh`."""
        driver = self.driver
        with translated(self._place, cancel, driver.Error):
            cancel.check()
            connection = self._connect(driver)
            try:
                connection.module, connection.action = MODULE, action[:64]
                connection.call_timeout = int(self._options.call_timeout.total_seconds() * 1000)
                session = Session(connection)
                with cancel.interrupts(lambda: _break_off(connection)):
                    session.execute(READ_ONLY)
                    yield session
            finally:
                # What is left of a broken connection cannot be closed in good order; the server ends it by itself.
                with suppress(driver.Error):
                    connection.close()

    def _connect(self, driver: Any) -> Any:
        options = self._options
        given = {
            "user": options.user,
            "password": _revealed(options.password),
            "dsn": options.dsn,
            "tcp_connect_timeout": options.connect_timeout.total_seconds(),
            "config_dir": self._path(options.config_dir),
            "wallet_location": self._path(options.wallet_location),
            "wallet_password": _revealed(options.wallet_password),
            "program": MODULE,
        }
        if not options.ssl_server_dn_match:
            given["ssl_server_dn_match"] = False
        return driver.connect(**{name: value for name, value in given.items() if value is not None})

    def _load_client(self, driver: Any) -> None:
        with _THICK:
            if not driver.is_thin_mode():
                return
            try:
                driver.init_oracle_client(lib_dir=self._path(self._options.lib_dir))
            except driver.Error as error:
                raise ConfigurationError(
                    f"{self._place}: Oracle's client libraries cannot be loaded: {str(error).splitlines()[0]}",
                    hint="Install Instant Client and set `lib_dir` to its directory, or leave out `thick`.",
                ) from error

    def _path(self, path: Path | None) -> str | None:
        return None if path is None else str(self._base / path)


class Session:
    """A connection in a read-only transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @property
    def version(self) -> str:
        """The database's version."""
        return str(self._connection.version)

    def execute(self, sql: str) -> None:
        """A statement without rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, list(parameters))
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> Sequence[Any]:
        """What the database says of a query's result columns, without running it."""
        with self._connection.cursor() as cursor:
            cursor.parse(sql)
            if cursor.description is None:  # some releases describe only what was executed
                cursor.execute(f"SELECT * FROM ({sql}\n) WHERE 1 = 0", list(parameters))
            return list(cursor.description)

    def batches(self, sql: str, parameters: Sequence[object], schema: Any, rows: int) -> Iterator[Any]:
        """The driver's data frames of so many rows."""
        return iter(
            self._connection.fetch_df_batches(
                statement=sql, parameters=list(parameters), size=rows, requested_schema=schema
            )
        )


def _break_off(connection: Any) -> None:
    with suppress(Exception):  # it may have ended just now; an interrupt never raises
        connection.cancel()


def _revealed(secret: Any) -> str | None:
    return None if secret is None else str(secret.get_secret_value())
