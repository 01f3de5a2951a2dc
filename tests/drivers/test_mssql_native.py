"""Which native library of mssql-python is used, by what the system has."""

import os
import subprocess
import sys

import pytest

from afresh.drivers import mssql_native as native

OPENSSL = {"libssl.so.3", "libcrypto.so.3"}
KERBEROS = {"libkrb5.so.3", "libgssapi_krb5.so.2"}
ALL = {*OPENSSL, *KERBEROS, "libltdl.so.7"}

CONNECT = """
import sys
from afresh.core.errors import AfreshError
from afresh.drivers import mssql, mssql_native
if sys.argv[1:]:
    mssql_native.loads = lambda library: library not in sys.argv[1:]
try:
    mssql.connect("Server=127.0.0.1,1;Database=x;UID=a;PWD=secret", 1)
except AfreshError as error:
    print(type(error).__name__, error, error.hint)
except Exception as error:
    print(type(error).__name__, "reached the network")
"""


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (ALL, "msodbcsql18"),
        (ALL - OPENSSL, "msodbcsql18"),
        (ALL - {"libltdl.so.7"}, "mssql-odbc"),
        (OPENSSL, "mssql-odbc"),
        (KERBEROS, None),
        (set(), None),
    ],
)
def test_choice(there: set[str], chosen: str | None) -> None:
    """The default library where it can be loaded, the other one where only that can, none where neither can."""
    assert native.choose(lambda library: library in there) == chosen


def test_missing() -> None:
    """Every library that is not there is named."""
    assert native.missing(lambda library: library in OPENSSL) == ALL - OPENSSL


def connected(*lacking: str, **environment: str) -> str:
    """What comes of connecting to a port where nobody listens, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name != native.VARIABLE}
    return subprocess.run(
        [sys.executable, "-c", CONNECT, *lacking], env=kept | environment, capture_output=True, text=True, check=True
    ).stdout


def test_it_connects_with_what_the_system_has() -> None:
    """Whichever libraries this machine lacks, the driver gets as far as the network."""
    assert "reached the network" in connected()


def test_no_library_can_be_loaded() -> None:
    """The error says what the system lacks and what to install."""
    said = connected(*ALL)
    assert said.startswith("ConfigurationError")
    assert "libltdl.so.7" in said
    assert "apt-get install libltdl7" in said
    assert "secret" not in said


def test_the_choice_of_the_user_wins() -> None:
    """What the variable names is used, even if it cannot be loaded; then the error says what to install."""
    said = connected(**{native.VARIABLE: "msodbcsql18"})
    if native.loads("libltdl.so.7"):
        assert "reached the network" in said
    else:
        assert said.startswith("ConfigurationError")
        assert "apt-get install libltdl7" in said
