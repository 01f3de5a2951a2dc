"""The table page's columns and configuration: what is known of them, and where it comes from."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.engine.rig import DAILY, MASS
from tests.web.web_rig import web_rig

from afresh.core.schema import Column, parse_type


def test_page_api_and_json_show_where_a_value_was_given(directory: Path) -> None:
    """The same words in each; the whole configuration tells it by path."""
    with web_rig(directory) as web:
        origins: dict[tuple[str, ...], str] = {("data_sources", "Item", "is_enabled"): "afresh.toml, line 3"}
        web.rig.service.options = replace(web.rig.service.options, origins=origins)
        for path in ("/api/v1/tables/Item", "/tables/Item.json"):
            given = {option["name"]: option["origin"] for option in web.get(path)["options"]}
            assert (given["is_enabled"], given["partitions"]) == ("afresh.toml, line 3", "default")
        assert web.get("/api/v1/config")["origins"] == {"data_sources.Item.is_enabled": "afresh.toml, line 3"}
        assert "<td>afresh.toml, line 3</td>" in web.client.get("/tables/Item").text


def test_columns_and_drift_are_what_a_sync_saw(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first sync nothing is known; a column that the cache lacked is told with its instant; looking asks
    the fetcher nothing."""
    with web_rig(directory) as web:
        assert web.get("/api/v1/tables/Item")["schema"] is None
        assert "when a sync has asked the source" in web.client.get("/tables/Item").text
        web.rig.sync(MASS)
        first = web.get("/api/v1/tables/Item")["schema"]
        assert [column["name"] for column in first["columns"] if column["key"]] == ["Id"]
        assert (first["differences"], first["lacked"]) == ([], [])
        fetcher = web.rig.service.tables["Item"].fetcher
        wider = replace(
            fetcher.schema(), columns=(*fetcher.schema().columns, Column(name="New", type=parse_type("int64")[0]))
        )
        web.rig.clock.advance(timedelta(minutes=5))
        monkeypatch.setattr(fetcher, "schema", lambda: wider)
        web.rig.sync(DAILY)

        def asked() -> None:
            raise AssertionError("a page asks no source")

        monkeypatch.setattr(fetcher, "schema", asked)
        seen = web.get("/api/v1/tables/Item")["schema"]
        assert seen["lacked"] == ["New"]
        assert seen["lacked_at"] == seen["looked_at"] > first["looked_at"]
        web.app.state.view.forget()
        page = web.client.get("/tables/Item").text
        assert "a column that the cache did not have: New" in page
