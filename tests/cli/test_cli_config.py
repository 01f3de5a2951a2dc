"""`afresh config`: what holds, where it was given, and what it refuses."""

import json

import pytest
from tests.cli.cli_rig import Place

from afresh import wiring
from afresh.config.effective import whole
from afresh.config.load import load


def test_all_of_it_by_parts(place: Place) -> None:
    """Each setting with its value and its line; which file it is goes to stderr; no database is asked."""
    ran = place.afresh("config")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["url", "sqlite:///cache.db", "afresh.toml,", "line", "7"] in lines
    assert ["max_sessions", "4", "default"] in lines
    assert [line[0] for line in lines if line and line[-1] == "ERP" and len(line) == 3] == ["Source"]
    assert {("Table", "Part"), ("Table", "LotUsage")} <= {tuple(line) for line in lines}
    assert "afresh.toml" in ran.err
    assert not (place.path / "cache.db").exists()


def test_what_holds_for_a_table(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own settings, its source's, the cache's and those of all tables; nothing of another table."""
    monkeypatch.setenv("AFRESH__DATA_SOURCES__0__HOURLY__INTERVAL", "2h")
    ran = place.afresh("config", "Part", "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert (found["table_name"], found["file"]) == ("Part", str(place.configuration))
    assert list(dict.fromkeys(one["part"] for one in found["settings"])) == [
        "This table", "Source system ERP", "Cache", "All tables",
    ]  # fmt: skip
    by_name = {one["name"]: one for one in found["settings"]}
    assert by_name["hourly.interval"] == {
        "part": "This table",
        "name": "hourly.interval",
        "value": 7200,
        "origin": "environment variable AFRESH__DATA_SOURCES__0__HOURLY__INTERVAL",
    }
    assert by_name["path"]["value"] == "source.db"
    assert "LotUsage" not in ran.out


def test_it_says_what_the_api_says(place: Place) -> None:
    """The settings are those of `/api/v1/config`."""
    found = json.loads(place.afresh("config", "--json").out)
    assert found["table_name"] is None
    assert found["settings"] == whole(load(place.configuration, wiring.KINDS), wiring.KINDS)["settings"]


def test_what_it_refuses(place: Place) -> None:
    """A table that there is not, and a configuration that cannot work, are wrong use as everywhere."""
    unknown = place.afresh("config", "Parts")
    assert (unknown.code, unknown.out) == (2, "")
    assert "there is no data source 'Parts'\nhint: The tables are: Part, LotUsage." in unknown.err
    place.configuration.write_text(place.configuration.read_text().replace("check_interval", "check_intervall"))
    wrong = place.afresh("config")
    assert (wrong.code, wrong.out) == (2, "")
    assert 'Did you mean "check_interval"?' in wrong.err
