"""The sentence that the first page begins with."""

from dataclasses import replace

import pytest
from tests.core.log_rows import NOW
from tests.core.test_sentences import table

from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.states import State
from afresh.web.overview import counted, headline

FRESH = table(State.FRESH, None)
LOADING = replace(table(State.SYNCING, Cause.ROUTINE), proved_at=None)
OFF = table(State.DISABLED, Cause.CONFIGURATION)
STOPPED = table(State.STOPPED, Cause.DEFECT)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([], "No table is kept: the configuration names none."),
        ([FRESH], "The one table is within its limit."),
        ([FRESH, FRESH, OFF], "All 2 tables are within their limits; 1 is switched off."),
        ([OFF, OFF], "No table is kept fresh; 2 are switched off."),
        ([LOADING, LOADING], "2 loading for the first time."),
        ([LOADING, FRESH], "1 loading for the first time; 1 of 2 tables is within its limit."),
        ([STOPPED, FRESH, OFF], "1 stopped (needs you); 1 of 2 tables is within its limit; 1 is switched off."),
        ([STOPPED, STOPPED], "2 stopped (need you)."),
    ],
)
def test_headline(tables: list[TableHealth], said: str) -> None:
    """What has no data yet, or is not synced at all, is never counted as within its limit."""
    assert headline(Judgement(at=NOW, tables=tuple(tables))) == said


def test_counted() -> None:
    """Every state that a table is in, with how many are, the worst first."""
    found = Judgement(at=NOW, tables=(FRESH, OFF, STOPPED, FRESH))
    assert counted(found) == [(State.STOPPED, 1), (State.FRESH, 2), (State.DISABLED, 1)]
