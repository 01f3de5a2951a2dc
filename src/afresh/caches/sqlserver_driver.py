"""The driver, as far as it is used: mssql-python, imported when the first connection is opened."""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from afresh.core.errors import ConfigurationError

_INSTALL = "pip install 'afresh[sqlserver]'"
_LIBRARIES = (
    "On Linux the driver needs the system's libltdl7 and libgssapi-krb5-2; without them set "
    "MSSQL_PYTHON_NATIVE_PROVIDER=mssql-odbc, which needs libssl3 alone."
)
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


def check_installed() -> None:
    """ConfigurationError that says what to install, if the driver is missing. Imports nothing."""
    if importlib.util.find_spec("mssql_python") is None:
        raise ConfigurationError(
            "a SQL Server cache needs the package mssql-python, which is not installed", hint=f"Run `{_INSTALL}`."
        )


def connect(connection_string: str, login_seconds: int) -> Connection:
    """A connection of mssql-python in autocommit mode."""
    check_installed()
    try:
        driver: Any = importlib.import_module("mssql_python")
    except (ImportError, OSError) as error:
        raise ConfigurationError(f"mssql-python cannot be loaded: {error}", hint=_LIBRARIES) from error
    try:
        connection: Connection = driver.connect(connection_string, autocommit=True, timeout=login_seconds)
    except Exception as error:
        # Its native part is loaded by the first connection only.
        if _NOT_LOADED in str(error):
            raise ConfigurationError("mssql-python cannot load its native part", hint=_LIBRARIES) from error
        raise
    return connection
