"""The two native libraries by which mssql-python connects, and which of them this system can load.

The default one, Microsoft's ODBC driver, needs libraries of the system that a fresh Debian has not; the other one,
written in Rust, needs OpenSSL alone. The driver finds out only when it connects, and then says little.
"""

import ctypes
from collections.abc import Callable, Mapping

VARIABLE = "MSSQL_PYTHON_NATIVE_PROVIDER"
"""By which the driver lets a user choose."""
DEFAULT = "msodbcsql18"
"""What it takes by itself."""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    DEFAULT: ("libltdl.so.7", "libkrb5.so.3", "libgssapi_krb5.so.2"),
    "mssql-odbc": ("libssl.so.3", "libcrypto.so.3"),
}
_PACKAGES = "libltdl7 libgssapi-krb5-2 libssl3"
_HINT = (
    f"On Debian and Ubuntu: `apt-get install {_PACKAGES}`; on Fedora and Red Hat: `dnf install libtool-ltdl krb5-libs "
    f"openssl-libs`. {VARIABLE} chooses between {DEFAULT} and mssql-odbc, which needs OpenSSL 3 alone."
)


def choose(loads: Callable[[str], bool]) -> str | None:
    """The first library all of whose needs can be loaded; None if there is none."""
    return next((name for name, needs in _NEEDS.items() if all(map(loads, needs))), None)


def missing(loads: Callable[[str], bool]) -> frozenset[str]:
    """What neither library can do without, and cannot be loaded."""
    return frozenset(needed for needs in _NEEDS.values() for needed in needs if not loads(needed))


def loads(library: str) -> bool:
    """Whether this system has the shared library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def hint() -> str:
    """What to install."""
    return _HINT
