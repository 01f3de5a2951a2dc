"""Which ODBC drivers this machine has; a test that needs one that is missing says so and is not run."""

import configparser
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

_PLACES = ("/etc/odbcinst.ini", "/usr/local/etc/odbcinst.ini")


@cache
def drivers() -> frozenset[str]:
    """The names of the drivers that unixODBC knows."""
    found: set[str] = set()
    for place in _PLACES:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read(place)
        found.update(parser.sections())
    return frozenset(found)


def without(driver: str) -> pytest.MarkDecorator:
    """A mark for tests that need the driver."""
    return pytest.mark.skipif(
        driver not in drivers(), reason=f"not run: this machine has no ODBC driver {driver!r} (.ci/run installs it)"
    )


def without_mariadb() -> pytest.MarkDecorator:
    """A mark for tests that need MariaDB's server and driver."""
    there = shutil.which("mariadbd") and "MariaDB Unicode" in drivers()
    return pytest.mark.skipif(
        not there, reason="not run: this machine has no MariaDB server or no ODBC driver for it (.ci/run installs both)"
    )


@cache
def package_version(package: str) -> str:
    """The version of a Debian package, for the report of what was tested; empty where that cannot be told."""
    if not Path("/usr/bin/dpkg-query").exists():
        return ""
    asked = ["/usr/bin/dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
