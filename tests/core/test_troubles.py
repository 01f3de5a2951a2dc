"""What keeps tables from being fresh, told once for all that it keeps so."""

from dataclasses import replace

from tests.core.log_rows import HOURLY, NOW, ago, update
from tests.core.test_sentences import table

from afresh.core.cause import Cause
from afresh.core.judgement import Judgement
from afresh.core.phrases import instant
from afresh.core.states import State
from afresh.core.troubles import troubles


def test_each_source_that_cannot_be_reached_is_told() -> None:
    """Two sources are two troubles, though the cause is one; of a source's tables the oldest data is said to be
    served, and none of them alone is named."""
    gone = replace(update(HOURLY, ago(minutes=1)), cause=Cause.SOURCE_UNREACHABLE, error_message="nobody answers")
    erp = table(State.STOPPED, Cause.SOURCE_UNREACHABLE, failure=gone)
    second = replace(erp, table_name="Lot", data_as_of=ago(hours=3))
    crm = replace(erp, table_name="Visit", source_system="CRM", state=State.CATCHING_UP)
    found = Judgement(at=NOW, tables=(crm, erp, second))
    first, other = troubles(found)
    assert [one.table_name for one in first.tables] == ["Item", "Lot"]
    told = first.told(found)
    assert told.where == "In the source system ERP."
    assert told.safe == f"Yes: they serve the source as of {instant(ago(hours=3))} or later, whole."
    assert other.worst is crm
    assert other.told(found).where == "In the source system CRM, which Visit is read from."


def test_each_pause_is_told_with_its_reason() -> None:
    """Tables that were paused one by one are told one by one; what is routine, or switched off, is no trouble."""
    one = table(State.PAUSED, Cause.PAUSED)
    assert one.pause is not None
    two = replace(one, table_name="Lot", pause=replace(one.pause, sequence=99, reason="moving house"))
    off = table(State.DISABLED, Cause.CONFIGURATION)
    due = table(State.DUE, Cause.ROUTINE)
    found = Judgement(at=NOW, tables=(one, two, off, due))
    assert [trouble.told(found).happened for trouble in troubles(found)] == [
        found.told(one).happened,
        found.told(two).happened,
    ]
