"""MariaDB passes the conformance kit for sources."""

from tests.sources.mysql_source_rig import MysqlSourceRig
from tests.sources.odbc_drivers import without_mariadb

from afresh.testing.source_kit import SourceKit


@without_mariadb()
class TestMysqlSource(MysqlSourceRig, SourceKit):
    """The kit on a real server."""
