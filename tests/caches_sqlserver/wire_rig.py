"""What the kit needs to know of a fake server behind a wire front: the real driver reads and writes."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

import pyarrow as pa
from tests.caches_sqlserver.fake_rig import FakeRig
from tests.caches_sqlserver.front_engine import PASSWORD
from tests.caches_sqlserver.front_process import FrontProcess

from afresh.caches.sqlserver import SqlServerCache
from afresh.caches.sqlserver_features import Features
from afresh.caches.sqlserver_names import quote
from afresh.core.options import CacheConfig
from afresh.drivers.mssql import connect
from afresh.drivers.mssql_url import Settings, parse
from afresh.testing.kit_rig import Row

_FRONTS: dict[Path, FrontProcess] = {}
_READ = re.compile(r'SELECT (.*) FROM ("(?:[^"]|"")*"|\w+)', re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"]|"")*"|\w+')


def url(port: int, database: str, password: str = PASSWORD) -> str:
    """The URL of a front."""
    return f"mssql://sa:{percent(password, safe='')}@127.0.0.1:{port}/{database}?encrypt=no"


class WireRig(FakeRig):
    """A database of its own for each directory; other processes find the front by a file there."""

    database_error = Exception

    def make_cache(self, directory: Path) -> SqlServerCache:
        cache = SqlServerCache(self.settings(directory), CacheConfig(url="mssql://"))
        # Finding them out each time would take longer than the tests.
        cache._database._features = Features()
        return cache

    def settings(self, directory: Path) -> Settings:
        """How the front is reached, from whichever process."""
        named = directory / "url"
        if not named.exists():
            front = _FRONTS.get(directory.parent) or FrontProcess(directory.parent)
            _FRONTS[directory.parent] = front
            named.write_text(url(front.port, directory.name))
        return parse(named.read_text())

    def execute(self, directory: Path, sql: str) -> list[Row]:
        match = _READ.fullmatch(sql)
        if match is None:
            return super().execute(directory, sql)
        connection: Any = connect(self.settings(directory).connection_string(), 15)
        try:
            cursor = connection.cursor()
            cursor.execute(f"SELECT {_QUOTED.sub(_bracketed, match[1])} FROM [dbo].{_QUOTED.sub(_bracketed, match[2])}")
            return [tuple(row) for row in cursor.fetchall()]
        finally:
            connection.close()

    def decode(self, value: Any, kind: pa.DataType) -> Any:
        return value if pa.types.is_boolean(kind) else super().decode(value, kind)


def _bracketed(name: re.Match[str]) -> str:
    return quote(name[0][1:-1].replace('""', '"') if name[0].startswith('"') else name[0])
