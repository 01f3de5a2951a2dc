"""PostgreSQL read through psqlODBC passes the conformance kit for sources."""

from tests.sources.odbc_drivers import without
from tests.sources.psqlodbc_rig import PsqlOdbcRig

from afresh.testing.source_kit import SourceKit


@without("PostgreSQL Unicode")
class TestPsqlOdbc(PsqlOdbcRig, SourceKit):
    """The kit on a real server."""

    def _sorts(self, sql: str) -> bool:
        """Of a SELECT in a cursor, whether it does."""
        return super()._sorts(sql.partition(" CURSOR FOR ")[2] or sql)
