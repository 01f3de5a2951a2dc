"""The admin API: the judgement is the one of the commands, and what is asked for happens and is recorded."""

from datetime import timedelta
from pathlib import Path

from tests.engine.rig import item
from tests.web.web_rig import WebRig, tokens, web_rig

from afresh.core.model import UpdateType
from afresh.core.options import WebConfig
from afresh.testing.clock import START


def later(found: WebRig, **time: float) -> None:
    """Lets time pass, and what was seen be forgotten."""
    found.rig.clock.advance(timedelta(**time))
    found.app.state.view.forget()


def test_tables_and_health(directory: Path) -> None:
    """A table that was never loaded is not healthy; once loaded it is as fresh as a committed update proves; then it
    is late, and every face says so."""
    with web_rig(directory) as found:
        (table,) = found.get("/api/v1/tables")["tables"]
        assert table["state"] == "Never loaded"
        found.rig.service.recover()
        found.rig.service.note_check()
        found.rig.sync(UpdateType.MASS)
        later(found, seconds=2)
        (table,) = found.get("/api/v1/tables")["tables"]
        assert (table["state"], table["health"]) == ("Fresh", "Healthy")
        assert table["sentences"]["happened"]
        health = found.get("/health")
        assert health["status"] == "Healthy"
        assert health["entries"]["Item"]["data"]["state"] == "Fresh"
        assert found.get("/freshness?table=Item")["fresh"] is True
        assert found.get("/badge/Item.json")["message"].startswith("Fresh")
        assert "<svg" in found.client.get("/badge/Item.svg").text
        later(found, days=3)
        assert found.get("/freshness?table=Item", 503)["fresh"] is False
        assert found.get("/health", 503)["status"] == "Unhealthy"
        assert found.get("/api/v1/tables")["tables"][0]["state"] != "Fresh"


def test_lookback(directory: Path) -> None:
    """What windows measured of late rows is told as numbers, and as evidence on the table's page."""
    with web_rig(directory) as found:
        found.rig.sync(UpdateType.MASS)
        assert found.get("/api/v1/tables/Item")["lookback"] == []
        later(found, hours=1)
        found.rig.source.table.put(item(9, minutes=-41))
        found.rig.sync(UpdateType.HOURLY)
        later(found, seconds=2)
        daily, hourly = found.get("/api/v1/tables/Item")["lookback"]
        assert (daily["update_type"], hourly["update_type"]) == ("Daily", "Hourly")
        assert (hourly["lateness_seconds"], hourly["windows"], hourly["verdict"]) == (41 * 60, 1, "enough")
        assert hourly["said"] in found.client.get("/tables/Item").text


def test_livez_and_readyz(directory: Path) -> None:
    """Alive without asking anybody; ready once leftovers are repaired."""
    with web_rig(directory) as found:
        assert found.get("/livez")["status"] == "alive"
        assert found.get("/readyz", 503)["reason"] == "recovery is not done"
        found.rig.service.recover()
        assert found.get("/readyz")["status"] == "ready"


def test_updates_are_paged(directory: Path) -> None:
    """Pages of the log hang together, without gaps and repetitions, and one update can be looked at."""
    with web_rig(directory) as found:
        for _ in range(5):
            found.rig.sync(UpdateType.DAILY)
            found.rig.clock.advance(timedelta(minutes=1))
        seen, before = [], None
        while True:
            page = found.get("/api/v1/updates", params={"limit": 2} | ({"before": before} if before else {}))
            seen += [update["operation_id"] for update in page["updates"]]
            before = page["next_before"]
            if before is None:
                break
        assert seen == [update.operation_id for update in found.rig.history()]
        one = found.get(f"/api/v1/updates/{seen[0]}")
        assert one["outcome"] == "succeeded"
        assert one["details"]["phases"]
        assert found.get("/api/v1/updates?table=Item&outcome=failed")["updates"] == []
        assert found.get("/api/v1/updates/nothing", 404)["status"] == 404


def test_actions_are_taken_and_recorded(directory: Path) -> None:
    """Pause, resume, accept and run are in the audit log with who; the same key asks for one run."""
    with web_rig(directory) as found:
        found.post("/api/v1/tables/Item/pause", json={"reason": "stocktaking"})
        assert found.get("/api/v1/tables/Item")["state"] == "Paused"
        found.post("/api/v1/tables/Item/resume")
        assert found.get("/api/v1/tables/Item")["state"] != "Paused"
        found.post("/api/v1/tables/Item/accept")
        first = found.post("/api/v1/tables/Item/run", json={"update_type": "Mass"}, headers={"Idempotency-Key": "k1"})
        again = found.post("/api/v1/tables/Item/run", json={"update_type": "Mass"}, headers={"Idempotency-Key": "k1"})
        assert first["sequence"] == again["sequence"]
        found.post("/api/v1/sources/ERP/reset")
        asked = found.get("/api/v1/actions")["actions"]
        assert [action["action"] for action in asked] == ["reset", "run", "accept", "resume", "pause"]
        assert asked[-1]["reason"] == "stocktaking"
        assert all(action["who"].startswith("web@") for action in asked)


def test_who_is_the_token(directory: Path) -> None:
    """With tokens, the audit log has the token's name."""
    with web_rig(directory, WebConfig(tokens=tokens())) as found:
        found.post("/api/v1/tables/Item/pause", headers={"Authorization": "Bearer token-of-operator"})
        admin = {"Authorization": "Bearer token-of-admin"}
        assert found.get("/api/v1/actions", headers=admin)["actions"][0]["who"] == "token operator"


def test_what_is_not_there_is_a_problem(directory: Path) -> None:
    """Unknown tables, sources and fields are answered as problems that say what is wrong."""
    with web_rig(directory) as found:
        assert "Nothing" in found.get("/api/v1/tables/Nothing", 404)["detail"]
        assert found.post("/api/v1/sources/Nothing/pause", 404)["status"] == 404
        assert "update_type" in found.post("/api/v1/tables/Item/run", 422, json={"update_type": "Weekly"})["detail"]
        assert "running" in found.post("/api/v1/tables/Item/cancel", 409)["detail"]
        assert found.get("/api/v1/updates?limit=0", 422)["status"] == 422


def test_the_configuration_has_no_secrets(directory: Path) -> None:
    """What may be a secret is not shown; what is not, is."""
    with web_rig(directory, WebConfig(tokens=tokens())) as found:
        text = found.client.get("/api/v1/config", headers={"Authorization": "Bearer token-of-admin"}).text
        assert all(token.sha256 not in text for token in tokens().values())
        assert '"table_name":"Item"' in text
        assert '"hourly":{"interval"' in text


def test_the_api_describes_itself(directory: Path) -> None:
    """OpenAPI 3.1, with every route."""
    with web_rig(directory) as found:
        described = found.get("/api/v1/openapi.json")
        assert described["openapi"].startswith("3.1")
        assert "/api/v1/tables/{table}/run" in described["paths"]


def test_a_cache_that_cannot_be_asked(directory: Path) -> None:
    """Nothing is called fresh while nobody can tell, and nothing is a server error."""
    with web_rig(directory) as found:
        found.rig.sync(UpdateType.MASS)
        found.rig.cache.close()
        for file in directory.glob("cache.db*"):
            file.unlink()
        (directory / "cache.db").write_bytes(b"this is no database, and has never been one" * 100)
        later(found, seconds=2)
        assert found.get("/health", 503)["status"] == "Unhealthy"
        assert found.get("/readyz", 503)["status"] == "not ready"
        assert {table["state"] for table in found.get("/api/v1/tables")["tables"]} == {"Unknown"}
        assert found.get("/api/v1/updates", 503)["status"] == 503
    assert START is not None
