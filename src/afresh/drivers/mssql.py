"""The driver, as far as it is used: mssql-python, imported when the first connection is opened."""

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from afresh.core.errors import ConfigurationError
from afresh.drivers import mssql_native as native

_INSTALL = "pip install 'afresh[sqlserver]'"
_NOT_LOADED = "failed to load the driver"
_lock = threading.Lock()
_unpooled = threading.Lock()
_NOT_LOADED = "Failed to load the driver"


class Cursor(Protocol):
    """One statement."""

    description: Any

    def execute(self, operation: str, *parameters: Any) -> Any:
        """Sends one batch."""
        ...

    def executemany(self, operation: str, seq_of_parameters: Sequence[Sequence[Any]]) -> None:
        """Sends one statement for many rows of parameters."""
        ...

    def setinputsizes(self, sizes: list[Any]) -> None:
        """Says the SQL types of the parameters of the next call."""
        ...

    def fetchall(self) -> Sequence[Any]:
        """The rows of the present result."""
        ...

    def nextset(self) -> bool | None:
        """Goes to the next result; false if there is none."""
        ...

    def close(self) -> None:
        """Gives the statement back."""
        ...

    def bulkcopy(
        self,
        table_name: str,
        data: Any,
        batch_size: int = 0,
        timeout: int = 30,
        column_mappings: list[str] | None = None,
        *,
        table_lock: bool = False,
        keep_nulls: bool = False,
    ) -> Any:
        """Loads tuples, on a connection of its own."""
        ...

    def bulkcopy_arrow(
        self,
        table_name: str,
        source: Any,
        batch_size: int = 0,
        timeout: int = 30,
        column_mappings: list[str] | None = None,
        *,
        table_lock: bool = False,
        keep_nulls: bool = False,
    ) -> Any:
        """Loads Arrow data, on a connection of its own."""
        ...


class Connection(Protocol):
    """A connection. Transactions are begun and ended by statements, so it is in autocommit mode."""

    def cursor(self) -> Cursor:
        """A new statement."""
        ...

    def close(self) -> None:
        """Gives the connection back."""
        ...


Connect = Callable[[str, int], Connection]
"""Opens a connection by its connection string, with so many seconds for the login."""


def check_installed(purpose: str) -> None:
    """ConfigurationError that says what to install, if the driver is missing. Imports nothing."""
    if importlib.util.find_spec("mssql_python") is None:
        raise ConfigurationError(
            f"{purpose} needs the package mssql-python, which is not installed", hint=f"Run `{_INSTALL}`."
        )


def connect(connection_string: str, login_seconds: int) -> Connection:
    """A connection of mssql-python in autocommit mode; ConfigurationError if the driver cannot be loaded here."""
    check_installed("SQL Server")
    _choose()
    try:
        driver: Any = importlib.import_module("mssql_python")
    except (ImportError, OSError) as error:
        raise ConfigurationError(f"mssql-python cannot be loaded: {error}", hint=native.hint()) from error
    try:
        connection: Connection = driver.connect(connection_string, autocommit=True, timeout=login_seconds)
    except Exception as error:
        if _NOT_LOADED in f"{error}".lower():
            raise ConfigurationError(
                "mssql-python cannot load the native library that it connects by", hint=native.hint()
            ) from error
        raise
    return connection


def connect_alone(connection_string: str, login_seconds: int) -> Connection:
    """As `connect`, but closing it ends the session: the driver's pool would keep it for minutes, and a source's
    administrator counts it."""
    check_installed("SQL Server")
    _choose()
    pooling: Any = importlib.import_module("mssql_python.pooling").PoolingManager
    with _unpooled:
        if not pooling.is_initialized():
            pooling.enable()
        kept, pooling._enabled = pooling._enabled, False  # it has no other way for one connection
        try:
            return connect(connection_string, login_seconds)
        finally:
            pooling._enabled = kept


def _choose() -> None:
    """Selects a native library that can be loaded, before the driver looks for one; a user's own choice stays."""
    with _lock:
        if os.environ.get(native.VARIABLE, "").strip() or not sys.platform.startswith("linux"):
            return
        chosen = native.choose(native.loads)
        if chosen is None:
            raise ConfigurationError(
                "mssql-python cannot load any of its native libraries: this system lacks "
                + " and ".join(sorted(native.missing(native.loads))),
                hint=native.hint(),
            )
        if chosen != native.DEFAULT:
            os.environ[native.VARIABLE] = chosen
