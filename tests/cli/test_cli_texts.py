"""What the commands show to people."""

import re

import pytest
from tests.cli.cli_rig import Place, check_golden


def test_status_plan_and_history_before_the_first_sync(place: Place) -> None:
    """Without a cache file everything is said as it is, and no file is made by looking."""
    status, plan, history = place.afresh("status"), place.afresh("plan"), place.afresh("history")
    assert (status.code, plan.code, history.code) == (1, 0, 0)
    check_golden("before.txt", "\n".join((status.out, plan.out, history.out)))
    assert not (place.path / "cache.db").exists()


def test_status_plan_and_history_after_syncs(place: Place) -> None:
    """Fresh tables, windows with their statements and local times, and every sync that ran."""
    assert place.afresh("sync", "Part", "--mass").code == 0
    place.change_source("UPDATE Part SET Name = 'screw', Changed = datetime() WHERE Id = 1")
    assert place.afresh("sync", "Part", "--hourly").code == 0
    assert place.afresh("sync", "LotUsage").code == 0
    with place.at_work():
        status, plan, history = place.afresh("status"), place.afresh("plan"), place.afresh("history")
    assert (status.code, plan.code, history.code) == (0, 0, 0)
    check_golden("after.txt", "\n".join((status.out, plan.out, history.out)))


def test_status_and_plan_with_failures(place: Place) -> None:
    """A table that fails says why, when it is tried again, and what can be done."""
    text = place.configuration.read_text(encoding="utf-8")
    place.configuration.write_text(re.sub('check_interval = "[^"]*"', 'check_interval = "60s"', text), encoding="utf-8")
    place.change_source("DROP TABLE F4111")
    sync = place.afresh("sync", "LotUsage")
    with place.at_work():
        status, plan = place.afresh("status"), place.afresh("plan", "LotUsage")
    assert (sync.code, status.code) == (2, 1)
    assert plan.code == 2
    check_golden("failures.txt", "\n".join((sync.err, status.out, plan.out)))


def test_what_check_says(place: Place) -> None:
    """What the first sync would make; then a cache table that does not fit, named column by column."""
    first = place.afresh("check")
    assert first.code == 0
    assert place.afresh("sync", "Part", "--mass").code == 0
    place.change_source("ALTER TABLE Part ADD COLUMN Weight REAL")
    second = place.afresh("check")
    assert second.code == 0
    place.change_source("ALTER TABLE Part DROP COLUMN Weight; ALTER TABLE Part DROP COLUMN Name")
    third = place.afresh("check")
    assert third.code == 1
    check_golden("check.txt", "\n".join((first.out, second.out, third.out, third.err)))


def test_a_value_that_looks_like_markup_is_only_text(place: Place) -> None:
    """Names and errors with brackets are shown as they are."""
    place.configuration.write_text(place.configuration.read_text().replace('"Part"', '"[bold]Part[/bold]"'))
    text = place.afresh("status").out
    assert "[bold]Part[/bold]" in text


def test_no_color_is_respected(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR nothing is coloured, even where colours are forced."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert re.search(r"\x1b\[[0-9;]*3\d", place.afresh("status").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3\d", place.afresh("status").out)
