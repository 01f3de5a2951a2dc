"""SQL Server passes the conformance kit: on a real server, if AFRESH_TEST_SQLSERVER_URL names a database for it."""

import pytest
from tests.caches_sqlserver.sqlserver_rig import URL, VARIABLE, SqlServerRig

from afresh.testing.cache_kit import CacheKit

if URL:

    class TestSqlServer(SqlServerRig, CacheKit):
        """All of the kit."""

else:

    @pytest.mark.skip(reason=f"{VARIABLE} is not set: the SQL Server cache was tested on a fake server alone")
    def test_kit_on_a_real_server() -> None:
        """Stands for the whole kit where there is no server."""
