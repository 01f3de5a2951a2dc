"""The long log is made and asked: a tiny run."""

from pathlib import Path

from bench.long_log import long_log
from bench.pages import PATHS, looking, measure

TABLES, UPDATES = 50, 1_500


def test_a_long_log_is_answered_from(tmp_path: Path) -> None:
    """Each table has its rows, the last of them just now; every page has a time and a size."""
    with long_log("sqlite", tmp_path, TABLES, UPDATES) as log:
        with looking(log) as (service, _ask):
            facts = service.facts()
            history = service.workplace.cache.log.history(table_name="Table0007", limit=UPDATES)
        assert len(facts.pasts) == TABLES
        assert len(history) == UPDATES // TABLES
        assert len(facts.past("Table0007").failures) == 6
        timings = list(measure(log, 1))
    assert [timing.what for timing in timings] == [
        *PATHS,
        "status",
        "status (a command, service running)",
        "status (a command, alone)",
    ]
    assert all(timing.size > 500 for timing in timings)
