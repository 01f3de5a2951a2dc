"""Sybase ASE passes the kit for sources: on a real server, if AFRESH_TEST_SYBASE_URL names one."""

import pytest
from tests.sources.odbc_drivers import without
from tests.sources.sybase_source_rig import URL, VARIABLE, SybaseSourceRig

from afresh.testing.source_kit import SourceKit

if URL:

    @without("FreeTDS")
    class TestSybaseSource(SybaseSourceRig, SourceKit):
        """All of the kit."""

else:

    @pytest.mark.skip(reason=f"{VARIABLE} is not set: the Sybase source was tried down to the login packet alone")
    def test_kit_on_a_real_server() -> None:
        """Stands for the whole kit where there is no server."""
