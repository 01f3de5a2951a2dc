"""What MariaDB's ODBC driver says when a connection is lost, as it was seen or as its library has it."""

import pytest

from afresh.core.errors import SourceUnavailable
from afresh.sources.odbc_errors import Fault, translated
from afresh.sources.odbc_mysql import MYSQL

LOST = (
    "Write error: Connection reset by peer (104)",
    "Read error: Connection reset by peer (104)",
    "Write error: Broken pipe (32)",
    "Lost connection to server during query",
    "Server has gone away",
    "Error in server handshake",
    "Connection was killed",
)


@pytest.mark.parametrize("message", LOST)
def test_a_lost_connection_may_pass(message: str) -> None:
    """The sync is tried again by itself; nobody is told that a table has changed."""
    fault = Fault(f"State: HY000, Native error: 2013, Message: [ma-3.1.15][10.11.19-MariaDB]{message}")
    assert isinstance(translated(fault, "source S", MYSQL.words, None), SourceUnavailable)
