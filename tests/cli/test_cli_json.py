"""What the commands write for programs."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.cli.cli_rig import Place

STATUS_KEYS = {
    "table_name",
    "source_system",
    "state",
    "glyph",
    "colour",
    "health",
    "cause",
    "sentences",
    "data_as_of",
    "age_seconds",
    "limit_seconds",
    "next_at",
    "right_by",
    "pause",
    "running_since",
    "overdue_seconds",
    "consecutive_failures",
    "last_error",
    "last_success",
    "last_sync",
    "note",
}
UPDATE_KEYS = {
    "table_name",
    "source_system",
    "update_type",
    "operation_id",
    "instance_id",
    "start_dt",
    "end_dt",
    "minimum_dt",
    "source_dt",
    "was_successful",
    "outcome",
    "number_records",
    "rows_inserted",
    "rows_updated",
    "rows_unchanged",
    "rows_deleted",
    "rows_duplicate",
    "error_message",
    "cause",
    "reason",
    "details",
}
PLAN_KEYS = {
    "table_name",
    "source_system",
    "fetcher",
    "running",
    "lookback",
    "update_type",
    "due_at",
    "is_due",
    "reason",
    "waits",
    "minimum_dt",
    "minimum_dt_local",
    "time_zone",
    "applies",
    "reload_strategy",
    "sql",
    "parameters",
    "skew_seconds",
    "expected_rows",
    "notes",
    "error",
    "hint",
}
SYNC_KEYS = {
    "table_name",
    "update_type",
    "operation_id",
    "minimum_dt",
    "outcome",
    "rows",
    "rows_inserted",
    "rows_updated",
    "rows_unchanged",
    "rows_deleted",
    "rows_duplicate",
    "duration_seconds",
    "error",
    "hint",
}


def of(place: Place, *arguments: str) -> Any:
    """What the command writes to stdout, which is JSON and nothing else."""
    return json.loads(place.afresh(*arguments, "--json").out)


def instant(text: str) -> datetime:
    """An instant of the output; all are in UTC and say so."""
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def test_sync_as_json(place: Place) -> None:
    """One sync: what it was, how it ended, and what it changed."""
    told = of(place, "sync", "Part", "--mass")
    assert set(told) == SYNC_KEYS
    assert (told["outcome"], told["rows"], told["rows_inserted"], told["error"]) == ("succeeded", 3, 3, None)


def test_status_as_json(place: Place) -> None:
    """Each table with its state and its last syncs; instants are ISO 8601 in UTC."""
    place.afresh("sync", "Part", "--mass")
    with place.at_work():
        told = of(place, "status")
    assert set(told) == {"at", "health", "error", "tables", "sources"}
    (source,) = told["sources"]
    assert (source["source_system"], source["stopped"], source["breaker_until"]) == ("ERP", False, None)
    assert source["sessions_allowed"] == 4
    assert (source["skew_seconds"], source["latency_seconds"]) == (pytest.approx(0, abs=30), None)
    part, usage = told["tables"]
    assert set(part) == set(usage) == STATUS_KEYS
    assert (part["state"], part["health"], part["cause"], part["note"]) == ("Fresh", "Healthy", None, None)
    assert (usage["state"], usage["health"], usage["cause"]) == ("Never loaded", "Degraded", "routine")
    assert set(part["sentences"]) == {"happened", "where", "safe", "next", "you", "command"}
    assert "come with the next Mass" in usage["note"]
    assert (told["health"], told["error"]) == ("Degraded", None)
    assert set(part["last_success"]) == {"Mass"}
    assert set(part["last_sync"]) == UPDATE_KEYS
    assert set(part["last_sync"]["details"]["phases"]) == {"read", "stage", "merge"}
    assert abs((instant(told["at"]) - datetime.now(UTC)).total_seconds()) < 60
    started = instant(part["last_sync"]["start_dt"])
    assert part["age_seconds"] == pytest.approx((instant(told["at"]) - started).total_seconds(), abs=0.1)
    assert part["limit_seconds"] == 5400


def test_status_without_a_cache_as_json(place: Place) -> None:
    """While the cache cannot be asked every table is unknown, and the exit code is 3."""
    (place.path / "cache.db").mkdir()
    ran = place.afresh("status", "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["health"]) == (3, "Unhealthy")
    assert "cache.db" in told["error"]
    assert {(table["state"], table["cause"]) for table in told["tables"]} == {("Unknown", "cache unreachable")}
    assert "cache.db" in told["tables"][0]["sentences"]["happened"]
    assert place.afresh("why", "Part").code == 3


def test_plan_as_json(place: Place) -> None:
    """What is next for each table, with the statement, its parameters, and the window in both zones."""
    place.afresh("sync", "Part", "--mass")
    part, usage = of(place, "plan")["tables"]
    assert set(part) == set(usage) == PLAN_KEYS
    assert (part["update_type"], part["is_due"], part["reload_strategy"]) == ("Hourly", False, None)
    assert instant(part["minimum_dt"]) == datetime.fromisoformat(part["minimum_dt_local"])
    assert part["time_zone"] == "America/Chicago"
    assert '"Part"."Changed" >= ?' in part["sql"]
    assert len(part["parameters"]) == 1
    assert (usage["update_type"], usage["is_due"], usage["reload_strategy"]) == ("Mass", True, "swap")
    assert (usage["minimum_dt"], usage["expected_rows"]) == (None, 2)


def test_plan_of_one_table(place: Place) -> None:
    """A name restricts the plan; one that is not configured is wrong use."""
    assert [table["table_name"] for table in of(place, "plan", "LotUsage")["tables"]] == ["LotUsage"]
    wrong = place.afresh("plan", "Parts")
    assert wrong.code == 2
    assert "The tables are: Part, LotUsage." in wrong.err


def test_history_as_json(place: Place) -> None:
    """The audit rows, newest first, of all tables or of one, as many as are asked for."""
    for arguments in (("Part", "--mass"), ("LotUsage", "--mass"), ("Part", "--hourly")):
        place.afresh("sync", *arguments)
    updates = of(place, "history")["updates"]
    assert all(set(update) == UPDATE_KEYS for update in updates)
    assert [(update["table_name"], update["update_type"]) for update in updates] == [
        ("Part", "Hourly"),
        ("LotUsage", "Mass"),
        ("Part", "Mass"),
    ]
    assert [update["table_name"] for update in of(place, "history", "LotUsage")["updates"]] == ["LotUsage"]
    assert len(of(place, "history", "--limit", "1")["updates"]) == 1
    assert of(place, "history", "--outcome", "succeeded")["updates"] == updates
    second = updates[1]["start_dt"]
    assert of(place, "history", "--since", second)["updates"] == updates[:2]
    assert of(place, "history", "--until", second)["updates"] == updates[2:]
    assert of(place, "history", "Part", "--since", second)["updates"] == updates[:1]
    assert of(place, "history", "--until", "2026-01-01")["updates"] == []


def test_check_as_json(place: Place) -> None:
    """Good: no findings. Wrong: every problem with its place in the file."""
    good = of(place, "check")
    assert (good["good"], good["tables"], good["findings"], len(good["changes"])) == (True, 2, [], 2)
    place.configuration.write_text(place.configuration.read_text().replace("mass =", "masss ="))
    wrong = of(place, "check")
    assert not wrong["good"]
    assert [(finding["kind"], finding["line"]) for finding in wrong["findings"]] == [
        ("configuration", 19),
        ("configuration", 27),
    ]
    assert all("masss" in finding["message"] and "mass" in finding["hint"] for finding in wrong["findings"])


def test_schema_is_json_with_and_without_the_flag(place: Place) -> None:
    """The JSON Schema of both forms."""
    toml, asked = place.bare("schema"), place.bare("schema", "--json")
    appsettings = place.bare("schema", "--form", "json")
    assert json.loads(toml.out) == json.loads(asked.out)
    assert "data_sync" in json.loads(toml.out)["properties"]
    assert "DataSync" in json.loads(appsettings.out)["properties"]
