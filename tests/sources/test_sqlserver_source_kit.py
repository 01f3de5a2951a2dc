"""SQL Server passes the kit for sources: on a real server, if AFRESH_TEST_SQLSERVER_URL names one."""

import pytest
from tests.sources.sqlserver_source_rig import URL, VARIABLE, SqlServerSourceRig

from afresh.testing.source_kit import SourceKit

if URL:

    class TestSqlServerSource(SqlServerSourceRig, SourceKit):
        """All of the kit."""

else:

    @pytest.mark.skip(reason=f"{VARIABLE} is not set: the SQL Server source was tested over TDS to a stand-in alone")
    def test_kit_on_a_real_server() -> None:
        """Stands for the whole kit where there is no server."""
