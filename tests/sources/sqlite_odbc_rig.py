"""What the kit for sources needs to read SQLite files through their ODBC driver."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar
from zoneinfo import ZoneInfo

from tests.sources.odbc_drivers import package_version
from tests.sources.sqlite_source_rig import SqliteSourceRig

from afresh.core.ports import SourceSystem
from afresh.core.select import Policy
from afresh.sources.odbc import OdbcSource
from afresh.sources.odbc_options import OdbcOptions
from afresh.sources.odbc_plain import SQLITE
from afresh.testing.clock import ManualClock
from afresh.testing.odd_values import LARGE
from afresh.testing.source_kit_rig import SourceTrial, SourceType, Wish

_TEXT_AS_BYTES = "the driver gives a text in a BLOB column as bytes; it fails the read instead, whatever the policy"


def source_of(path: Path, *, zone: str = "UTC", show_values: bool = False) -> OdbcSource:
    """The source that reads the file, called `Kit`."""
    return OdbcSource(
        name="Kit",
        kind="odbc",
        options=OdbcOptions(profile="sqlite", database=str(path)),
        profile=SQLITE,
        time_zone=ZoneInfo(zone),
        clock=ManualClock(),
        show_values=show_values,
    )


class SqliteOdbcRig(SqliteSourceRig):
    """The files of SQLite's own rig, read over ODBC. What this driver cannot do, the kind `sqlite` can."""

    odd: ClassVar = MappingProxyType(
        {
            **SqliteSourceRig.odd,
            "cp1252 bytes": SourceType(
                declared="TEXT",
                arrives="text",
                values=(),
                misfits=("CAST(x'FC80' AS TEXT)",),
                note="the driver takes every text for UTF-8; one that is not fails the read, whatever the policy",
            ),
            "NUL": SourceType(
                declared="TEXT",
                arrives="text",
                values=(),
                misfits=("'a' || char(0) || 'b'",),
                note="the driver ends a text at NUL; such a text fails the read, whatever the policy",
            ),
            "16 MB text": SourceType(
                declared="TEXT",
                arrives="text",
                values=(),
                misfits=(f"replace(hex(zeroblob({LARGE})), '00', 'x')",),
                note="the driver gives 256 kB of a text; more of it fails the read, whatever the policy",
            ),
        }
    )
    gaps: ClassVar = MappingProxyType(
        {
            **SqliteSourceRig.gaps,
            **{
                f"test_what_does_not_fit[BLOB-{sql}-{policy}]": _TEXT_AS_BYTES
                for sql in ("'a text'", "1")
                for policy in Policy
            },
            **{
                f"test_extremes[{name}]": "the driver ends a text at NUL; such a text fails the read instead"
                for name in ("text", "text(10)", "text(255)", "text(4000)")
            },
            "test_declared_types[TEXT]": "the driver ends a text at NUL; such a text fails the read instead",
            "test_extremes[float]": "SQLite writes the least double as no number of its own; it fails the read",
            "test_extremes[bytes]": "the driver gives 255 bytes; more of them fail the read",
            "test_large_texts": "the driver gives 256 kB of a text; more of it fails the read",
        }
    )
    outside: ClassVar = MappingProxyType(
        {
            **SqliteSourceRig.outside,
            "test_only_reads_are_sent": "the driver tells nobody what it sends",
            "test_the_statement_is_what_is_sent": "the driver tells nobody what it sends",
            "test_a_statement_under_way": "the read ends at once, but nothing reaches into the driver: its session "
            "lives until the statement ends",
        }
    )

    def trial(self) -> SourceTrial:
        by = f"arrow-odbc {version('arrow-odbc')}, libsqliteodbc {package_version('libsqliteodbc')}"
        return SourceTrial(kind="odbc", product="SQLite", version=super().trial().version, by=by)

    def make_source(self, directory: Path, wish: Wish) -> SourceSystem:
        return source_of(directory / "kit.db", zone=wish.time_zone, show_values=wish.show_values)

    def sessions(self, directory: Path) -> int:
        """Open files of this process."""
        path, found = str(directory / "kit.db"), 0
        for entry in Path("/proc/self/fd").iterdir():
            try:
                found += str(entry.readlink()) == path
            except OSError:
                continue
        return found

    def elsewhere(self, directory: Path) -> Callable[[], SourceSystem]:
        return partial(source_of, directory / "kit.db")
