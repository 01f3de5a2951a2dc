"""Commands that ask something of a service, beside it and without one."""

import json
import shlex
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from tests.cli.cli_rig import Place, stopped, wait_until

from afresh.cli.asking import who

_TERM = (signal.SIGTERM,)
_INT = signal.SIGINT


def test_pause_and_resume(place: Place) -> None:
    """A paused table says by whom and why; resumed it is as before. Both are recorded in the name of who asked."""
    assert place.afresh("sync", "Part", "--mass").code == 0
    paused = place.afresh("pause", "Part", "--reason", "index rebuild")
    assert (paused.code, paused.out) == (0, "Part is paused: no sync of it starts until it is resumed.\n")
    with place.at_work():
        (part, _usage) = json.loads(place.afresh("status", "--json").out)["tables"]
        why = place.afresh("why", "Part")
        assert (part["state"], part["cause"], part["pause"]["who"]) == ("Paused", "paused", who())
        assert part["pause"]["reason"] == "index rebuild"
        assert why.code == 1
        assert f"It was paused by {who()} at" in why.out
        resumed = place.afresh("resume", "Part")
        assert (resumed.code, resumed.out) == (0, "Part is resumed.\n")
        assert place.afresh("why", "Part").code == 0
    again = place.afresh("resume", "Part")
    assert (again.code, again.err) == (1, "Part is not paused.\n")
    assert place.cached("SELECT Action, TableName, Who FROM AfreshAction ORDER BY Id") == [
        ("pause", "Part", who()),
        ("resume", "Part", who()),
    ]


def test_pause_of_a_source(place: Place) -> None:
    """A source pauses all its tables; resuming one of them says what is in the way, with the command that helps."""
    assert place.afresh("pause", "--source", "ERP").code == 0
    told = json.loads(place.afresh("status", "--json").out)["tables"]
    assert {table["state"] for table in told} == {"Paused"}
    refused = place.afresh("resume", "Part")
    assert refused.code == 1
    assert f"its source ERP was paused by {who()}" in refused.err
    command = told[0]["sentences"]["command"]
    assert place.bare(*shlex.split(command)[1:]).code == 0
    assert "Never loaded" in place.afresh("status").out


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_either_a_table_or_a_source(place: Place, command: str) -> None:
    """Both, none, or one that is not configured is wrong use, and says what there is."""
    for arguments in ((), ("Part", "--source", "ERP"), ("Parts",), ("--source", "JDE")):
        ran = place.afresh(command, *arguments)
        assert ran.code == 2
        assert "hint: " in ran.err
    assert not (place.path / "cache.db").exists()


def test_a_paused_table_is_not_synced_by_the_service(place: Place) -> None:
    """While the service runs: what is paused does not start, what is resumed starts at once."""
    assert place.afresh("pause", "Part", "--json").code == 0
    with place.process("run") as process:
        done = "SELECT 1 FROM LastDataUpdates WHERE TableName = '{}'"
        wait_until(lambda: bool(place.cached(done.format("LotUsage"))), "LotUsage is loaded", process)
        time.sleep(1.5)
        assert place.cached(done.format("Part")) == []
        assert place.afresh("resume", "Part").code == 0
        wait_until(lambda: bool(place.cached(done.format("Part"))), "Part is loaded", process)
        stopped(process, *_TERM)


def test_cancel(place: Place) -> None:
    """A sync that the service runs stops within moments, in the name of who asked."""
    place.configure(slow=True)
    nothing = place.afresh("cancel", "Slow")
    assert (nothing.code, nothing.err) == (1, "No sync of Slow is running.\n")
    with place.process("run") as process:
        place.wait_until_slow_runs(process)
        began = time.monotonic()
        ran = place.afresh("cancel", "Slow", "--reason", "too slow")
        took = time.monotonic() - began
        assert ran.code == 0, ran.err
        assert "The Mass of Slow has stopped." in ran.out
        assert took < 5
        stopped(process, *_TERM)
    ended = place.cached("SELECT Outcome, Cause, ErrorMessage FROM DataUpdate WHERE TableName = 'Slow' ORDER BY Id")
    assert ended[0] == ("cancelled", "cancelled", f"cancelled by {who()}: too slow")


def test_cancel_of_a_sync_without_a_service(place: Place) -> None:
    """A sync that a command runs can be cancelled as well."""
    place.configure(slow=True)
    with place.process("sync", "Slow") as process:
        place.wait_until_slow_runs(process)
        assert place.afresh("cancel", "Slow").code == 0
        assert process.wait(20) == 1


def test_accept(place: Place) -> None:
    """The command that a refused Mass names lets the next one replace the table, and only that."""
    assert place.afresh("sync", "LotUsage", "--mass").code == 0
    place.change_source("DELETE FROM F4111")
    assert place.afresh("sync", "LotUsage", "--mass").code == 1
    with place.at_work():
        told = json.loads(place.afresh("why", "LotUsage", "--json").out)
        assert (told["state"], told["cause"]) == ("Stopped", "shrank suspiciously")
        words = shlex.split(told["sentences"]["command"])
        assert words[:2] == ["afresh", "accept"]
        accepted = place.bare(*words[1:])
        assert accepted.code == 0
        assert "The next Mass of LotUsage may replace it by far fewer rows, once" in accepted.out
        assert json.loads(place.afresh("why", "LotUsage", "--json").out)["state"] != "Stopped"
    assert place.afresh("sync", "LotUsage", "--mass").code == 0
    assert place.cached("SELECT * FROM LotUsage") == []
    place.change_source("INSERT INTO F4111 VALUES (1, 60001, 126001, 5)")
    assert place.afresh("sync", "LotUsage", "--mass").code == 0
    place.change_source("DELETE FROM F4111")
    assert place.afresh("sync", "LotUsage", "--mass").code == 1


def test_history_with_details(place: Place) -> None:
    """Where the time went, and who asked, on demand."""
    assert place.afresh("sync", "Part", "--mass").code == 0
    plain, detailed = place.afresh("history").out, place.afresh("history", "--details").out
    assert "read " not in plain
    assert "read " in detailed
    assert "merge " in detailed
    assert who() in detailed


def test_history_of_a_span(place: Place) -> None:
    """Nothing is left out without a word, and a span in which nothing ran is not called a log without syncs."""
    for _ in range(2):
        assert place.afresh("sync", "Part", "--mass").code == 0
    assert "there are more" not in place.afresh("history", "--since", "2026-01-01").err
    assert "the latest 1; there are more" in place.afresh("history", "--since", "2026-01-01", "--limit", "1").err
    assert place.afresh("history", "--until", "2026-01-01").out.strip() == "No sync is like that."


def test_watch_ends_at_ctrl_c(place: Place) -> None:
    """Shown again and again; elsewhere than on a terminal one after the other, until it is interrupted."""
    with place.process("status", "--watch", "--json") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[0] == "{\n"
        process.send_signal(_INT)
        assert process.wait(20) == 1


def test_json_of_all(place: Place) -> None:
    """Each says with --json what was recorded."""
    for arguments in (("pause", "Part"), ("resume", "Part"), ("accept", "LotUsage")):
        told = json.loads(place.afresh(*arguments, "--json").out)
        assert (told["action"], told["table_name"], told["who"]) == (*arguments, who())
        assert told["sequence"] > 0


def test_without_a_cache(place: Place) -> None:
    """What cannot be recorded is said so with 3, and nothing pretends that it was."""
    place.configuration.write_text(place.configuration.read_text().replace("cache.db", "nowhere/cache.db"))
    ran = place.afresh("pause", "Part")
    assert (ran.code, ran.out) == (3, "")


def test_how_tables_stand_is_told_without_their_source(place: Place) -> None:
    """A cache that another writer holds and a source that is gone delay no answer: neither is waited for."""
    assert place.afresh("sync", "LotUsage").code == 0
    (place.path / "source.db").rename(place.path / "gone.db")
    with closing(sqlite3.connect(place.path / "cache.db", isolation_level=None)) as other, place.at_work():
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        status, why = place.afresh("status"), place.afresh("why", "LotUsage")
        took = time.monotonic() - begun
        other.execute("ROLLBACK")
    assert took < 10  # the lock timeout is two minutes
    assert "come with the next Mass" in status.out
    assert "come with the next Mass" in why.out
