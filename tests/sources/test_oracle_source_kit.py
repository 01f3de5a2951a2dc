"""Oracle passes the kit for sources: on a real server, if AFRESH_TEST_ORACLE_URL names one."""

import pytest
from tests.sources.oracle_source_rig import URL, VARIABLE, OracleSourceRig

from afresh.testing.source_kit import SourceKit

if URL:

    class TestOracleSource(OracleSourceRig, SourceKit):
        """All of the kit."""

else:

    @pytest.mark.skip(reason=f"{VARIABLE} is not set: the Oracle source was tested on a fake of its driver alone")
    def test_kit_on_a_real_server() -> None:
        """Stands for the whole kit where there is no server."""
