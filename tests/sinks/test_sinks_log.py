"""The log: each event as one line."""

import json
import logging

import pytest
from tests.sinks.happenings import AT, EACH, FAILED, STAGED, STARTED, SUCCEEDED, TASK, kinds

from afresh.core import events
from afresh.core.events import Event
from afresh.sinks.lines import line
from afresh.sinks.log import LogForm, LogSink, line_logger


def written(*happened: Event, form: LogForm = LogForm.CONSOLE, least: str = "debug") -> list[str]:
    """The lines of these events."""
    lines: list[str] = []
    sink = LogSink(line_logger(lines.append, form=form, least=least))
    for event in happened:
        sink(event)
    return lines


def test_an_example_of_every_kind_of_event_is_tested() -> None:
    """The list that the other tests go through leaves no kind of event out."""
    assert {type(event) for event in EACH} == kinds()


@pytest.mark.parametrize("event", EACH, ids=lambda event: type(event).__name__)
def test_every_event_has_a_line(event: Event) -> None:
    """Each event is one line of text, with a level that the log knows."""
    said = line(event)
    assert said.text
    assert said.level in ("debug", "info", "warning", "error")
    assert len(written(event)) == 1


def test_a_kind_of_event_without_a_line_is_an_error() -> None:
    """A new kind of event cannot go unnoticed."""
    with pytest.raises(TypeError, match="no line is defined for Event"):
        line(Event(at=AT))


@pytest.mark.parametrize(
    "event", [event for event in EACH if isinstance(event, events.SyncEvent)], ids=lambda event: type(event).__name__
)
def test_every_line_about_a_sync_names_it(event: Event) -> None:
    """Table, update type and operation stand in each line about a sync."""
    [text] = written(event, form=LogForm.JSON)
    told = json.loads(text)
    assert (told["table"], told["update_type"], told["operation_id"]) == ("WorkOrder", "Hourly", TASK.operation_id)


def test_a_sync_that_succeeds_is_one_line_at_info() -> None:
    """Of a sync's events only its end is worth a line when all is well; the line has all counts."""
    [text] = written(STARTED, STAGED, SUCCEEDED, form=LogForm.JSON, least="info")
    assert json.loads(text) == {
        "event": "sync succeeded",
        "level": "info",
        "timestamp": "2026-10-05T12:00:00.000Z",
        "table": "WorkOrder",
        "update_type": "Hourly",
        "rows": 100,
        "inserted": 3,
        "updated": 2,
        "unchanged": 95,
        "deleted": 1,
        "duplicates": 4,
        "duration_seconds": 1.5,
        "operation_id": TASK.operation_id,
    }


def test_a_sync_that_fails_is_an_error_with_its_hint() -> None:
    """The line of a failure says what happened and what can be done."""
    [text] = written(FAILED, form=LogForm.JSON, least="error")
    told = json.loads(text)
    assert (told["event"], told["error"]) == ("sync failed", "source JDE: there is no file")
    assert told["hint"] == "See whether the source is up."


def test_the_console_form_is_for_people() -> None:
    """Time, level, words and fields in one line without colours unless they are asked for."""
    [text] = written(SUCCEEDED)
    assert text.startswith("2026-10-05T12:00:00.000Z [info     ] sync succeeded")
    assert "table=WorkOrder" in text
    assert "inserted=3" in text
    assert "\x1b" not in text


def test_no_text_makes_a_second_line_or_steers_the_terminal() -> None:
    """Line breaks and escape sequences in an error are shown as escapes."""
    error = "bad value\n2026 [info] all is well \x1b[2J"
    nasty = events.CheckFailed(at=AT, error=error, hint="")
    for form in LogForm:
        [text] = written(nasty, form=form)
        assert "\n" not in text
        assert "\x1b" not in text


def test_without_a_logger_lines_go_to_the_standard_library(caplog: pytest.LogCaptureFixture) -> None:
    """A program that embeds the service sees the lines where it looks at all others, with the fields on the record."""
    caplog.set_level(logging.INFO, logger="afresh")
    sink = LogSink()
    sink(STARTED)
    sink(SUCCEEDED)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("afresh", "INFO")
    assert record.getMessage().startswith("sync succeeded ")
    assert "table='WorkOrder'" in record.getMessage()
    assert vars(record)["afresh"]["inserted"] == 3


def test_a_percent_sign_in_an_error_is_only_text(caplog: pytest.LogCaptureFixture) -> None:
    """The standard library's own formatting does not stumble over what an error says."""
    LogSink()(events.CheckFailed(at=AT, error="100 %s full %d", hint=""))
    assert "100 %s full %d" in caplog.records[0].getMessage()
