"""The adapter passes the conformance kit on the fake server: its flow and its logic, not SQL Server's behaviour."""

from tests.caches_sqlserver.fake_rig import FakeRig

from afresh.testing.cache_kit import AloneKit
from afresh.testing.kit_rig import Trial


class TestOnFakeServer(FakeRig, AloneKit):
    """The kit on a fake, but for what concerns other readers and killed processes, which a fake says nothing of."""

    def trial(self) -> Trial:
        return Trial(
            kind="mssql",
            product="SQL Server",
            version="no server",
            by="a fake that executes a part of T-SQL",
            note="What concerns other readers and killed processes is left out: a fake says nothing of it. "
            "On a real server, named by AFRESH_TEST_SQLSERVER_URL, all of the kit is run.",
        )
