"""Commands as processes of their own: signals, and one beside the other."""

import json
import signal
from datetime import datetime, timedelta

import pytest
from tests.cli.cli_rig import Place, ended, rows, stopped, wait_until

# A process has one and a half seconds of imports before it does anything; what is measured begins after that.
pytestmark = pytest.mark.timeout(60)

OUTCOMES = "SELECT TableName, Outcome, NumberRecords FROM DataUpdate ORDER BY Id"


def test_a_service_stops_gracefully_and_records_what_it_cancelled(place: Place) -> None:
    """SIGTERM: running syncs get the grace period, are cancelled within a second, and are recorded; exit code 0.

    Meanwhile status and sync work from another process, which is ours.
    """
    place.configure(slow=True, grace="300ms")
    with place.process("run", "--log-format", "json", "--json") as process:
        place.wait_until_slow_runs(process)
        wait_until(
            lambda: len(place.cached("SELECT * FROM LastDataUpdates")) == 2, "the other tables are loaded", process
        )
        status = place.afresh("status", "--json")
        busy = place.afresh("sync", "Slow")
        beside = place.afresh("sync", "Part", "--mass")
        ran, took = stopped(process, signal.SIGTERM)
    states = {table["table_name"]: table["state"] for table in json.loads(status.out)["tables"]}
    assert states == {"Part": "Fresh", "LotUsage": "Fresh", "Slow": "Syncing"}
    assert (busy.code, beside.code) == (3, 0)
    assert "Slow: a Mass of it has been running since" in busy.err
    assert ran.code == 0
    assert took < 5
    assert {outcome for _table, outcome, _rows in place.cached(OUTCOMES)} == {"succeeded", "cancelled"}
    told = [json.loads(line) for line in ran.err.splitlines()]
    assert told[0]["event"] == "service started"
    assert [line["event"] for line in told[-3:]] == ["service is stopping", "sync cancelled", "service stopped"]
    asked, cancelled = (datetime.fromisoformat(line["timestamp"]) for line in told[-3:-1])
    assert timedelta(milliseconds=300) <= cancelled - asked < timedelta(milliseconds=300 + 1000)
    # Syncs run at the same time: of two lines either may be the first to reach one of the two streams.
    assert sorted(ran.out.splitlines()) == sorted(ran.err.splitlines())


def test_a_second_signal_stops_at_once(place: Place) -> None:
    """However long the grace period is, the second signal ends it: within a second, recorded, with exit code 0."""
    place.configure(slow=True, grace="10m")
    with place.process("run") as process:
        place.wait_until_slow_runs(process)
        ran, took = stopped(process, signal.SIGINT, signal.SIGINT)
    assert ran.code == 0
    assert took < 5
    assert ("Slow", "cancelled", -1) in place.cached(OUTCOMES)
    assert "sync cancelled" in ran.err


def test_a_sync_that_does_not_listen_is_left_behind(place: Place) -> None:
    """The service waits five seconds for it and no longer, says so, and ends with 1; the next start repairs it."""
    place.configure(deaf=True)
    with place.process("run") as process:
        wait_until((place.path / "it-does-not-listen").exists, "the post-processor runs", process)
        ran, took = stopped(process, signal.SIGTERM, signal.SIGTERM)
    assert ran.code == 1
    assert took < 9
    assert "does not answer to its cancellation" in ran.err
    assert ("Slow", None, -2) in place.cached(OUTCOMES)
    assert place.afresh("sync", "Part", "--mass").code == 0
    assert ("Slow", "interrupted", -1) in place.cached(OUTCOMES)


def test_ctrl_c_cancels_a_single_sync(place: Place) -> None:
    """`afresh sync` ends within a second, records the sync as cancelled, and ends with 1."""
    place.configure(slow=True)
    with place.process("sync", "Slow") as process:
        place.wait_until_slow_runs(process)
        ran, took = stopped(process, signal.SIGINT)
    assert ran.code == 1
    assert took < 5
    assert place.cached(OUTCOMES) == [("Slow", "cancelled", -1)]
    assert "Slow Mass cancelled after" in ran.err
    assert "Traceback" not in ran.err


def test_a_service_that_was_killed_is_repaired_by_the_next_sync(place: Place) -> None:
    """What a killed process left open is closed as interrupted as soon as anybody works with the cache."""
    place.configure(slow=True)
    with place.process("sync", "Slow") as process:
        place.wait_until_slow_runs(process)
        process.kill()
        process.wait(10)
    assert place.afresh("sync", "Part", "--mass").code == 0
    assert place.cached(OUTCOMES) == [("Slow", "interrupted", -1), ("Part", "succeeded", 3)]


def test_the_demo_ends_by_itself_with_every_table_fresh(place: Place) -> None:
    """After some seconds the demo ends with 0, every table fresh; and of the rows that came, none was missed."""
    with place.process("demo", "--seconds", "3", "--rows", "1500", "--json") as process:
        ran = ended(process)
    assert ran.code == 0, ran.err
    assert {table["state"] for table in json.loads(ran.out)["tables"]} == {"Fresh"}
    assert len(json.loads(ran.out)["tables"]) == 17
    demo = place.path / "demo"
    for table, source, key in (
        ("WorkOrder", "F4801", "WADOCO"),
        ("WorkOrderPart", "F3111", "WMUKID"),
        ("WorkOrderTime", "F31122", "WTUKID"),
        ("LotUsage", "F4111", "ILUKID"),
    ):
        there = {value for (value,) in rows(demo / "source.db", f"SELECT {key} FROM {source}")}
        kept = {value for (value,) in rows(demo / "cache.db", f"SELECT {key} FROM {table}")}
        assert there
        assert there <= kept, f"{table} lacks {there - kept}"
    changed = rows(demo / "cache.db", "SELECT sum(RowsInserted + RowsUpdated) FROM DataUpdate WHERE UpdateType > 1")
    assert changed[0][0], "nothing changed while the demo ran"


def test_ctrl_c_ends_the_demo_well(place: Place) -> None:
    """The demo without an end of its own stops at Ctrl-C with 0, a status, and what to try next."""
    with place.process("demo", "--rows", "600", "--directory", "elsewhere") as process:
        wait_until(
            lambda: len(rows(place.path / "elsewhere" / "cache.db", "SELECT * FROM LastDataUpdates")) >= 5,
            "five tables are loaded",
            process,
        )
        ran, took = stopped(process, signal.SIGINT)
    assert ran.code == 0, ran.err
    assert took < 5
    assert "WorkOrder " in ran.out
    assert "history -c elsewhere/afresh.toml" in ran.out
    assert "sync succeeded" in ran.err
