"""Metrics at `/metrics`: the same judgement as the pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.engine.rig import DAILY, HOUR, MASS
from tests.web.web_rig import WebRig, web_rig

from afresh.core.errors import CacheUnavailable, SourceUnavailable
from afresh.core.facts import Facts
from afresh.engine.judging import Watching
from afresh.engine.pasts import PastsOf
from afresh.sinks.telemetry import Telemetry, telemetry


@dataclass(kw_only=True)
class Metered:
    """A web interface, and the metrics of its service."""

    web: WebRig
    watching: Watching
    measured: Telemetry
    told: int = 0

    def samples(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        """What Prometheus reads now, after all that has happened."""
        events = self.web.rig.events
        for event in events[self.told :]:
            for sink in self.measured.sinks:
                sink(event)
        self.told = len(events)
        self.watching.watch(self.web.rig.service)
        answer = self.web.client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        every = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
        return {
            name: [(sample.labels, sample.value) for sample in every if sample.name == name]
            for name in {sample.name for sample in every}
        }


@pytest.fixture
def metered(directory: Path) -> Iterator[Metered]:
    """A service with one table of three rows that was not synced yet, and its metrics."""
    with web_rig(directory) as web:
        watching = Watching()
        with telemetry(web.rig.service.options, watching, prometheus=True, sent=frozenset()) as measured:
            web.app.state.metrics = measured.text
            yield Metered(web=web, watching=watching, measured=measured)


def test_metrics_agree_with_the_api(metered: Metered) -> None:
    """In each state that a table passes through, state, cause, data as of and limit are those of `/api/v1/tables`."""
    seen = set()
    web = metered.web
    web.rig.service.recover()
    for step in ("never", "loaded", "older", "late"):
        if step == "loaded":
            web.rig.sync(MASS)
        if step in ("older", "late"):
            web.rig.clock.advance(HOUR * 1.2 if step == "older" else timedelta(days=30))
        web.rig.service.note_check()
        web.app.state.view.forget()
        [table] = web.get("/api/v1/tables")["tables"]
        told = metered.samples()
        [(labels, value)] = told["sync_state"]
        assert (labels["state"], labels["cause"], value) == (table["state"], table["cause"] or "", 1)
        as_of = [datetime.fromtimestamp(at, UTC) for _labels, at in told.get("sync_data_as_of_timestamp_seconds", [])]
        assert as_of == ([datetime.fromisoformat(table["data_as_of"])] if table["data_as_of"] else [])
        seen.add(table["state"])
    assert len(seen) >= 3


def test_syncs_are_counted_where_they_run(metered: Metered) -> None:
    """A sync of a real service is started, completed and measured; one that fails is failed, with its cause."""
    rig = metered.web.rig
    rig.sync(MASS)
    rig.source.fail_after = (0, SourceUnavailable("the source is away"))
    rig.sync(DAILY)
    told = metered.samples()
    assert [value for _labels, value in told["sync_operations_started_total"]] == [1, 1]
    assert [labels["update_type"] for labels, _value in told["sync_operations_completed_total"]] == ["Mass"]
    [(failed, _count)] = told["sync_operations_failed_total"]
    assert (failed["update_type"], failed["outcome"], failed["cause"]) == ("Daily", "failed", "source unreachable")
    mass = {"table": "Item", "update_type": "Mass", "source_system": "ERP"}
    assert told["sync_records_processed_sum"] == [(mass, 3.0)]
    assert told["sync_breaker_state"] == [({"source_system": "ERP", "state": "closed"}, 1.0)]


def test_while_the_cache_cannot_be_asked_nobody_knows(metered: Metered, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is Unknown then, as it is on the pages, and no old instant is told."""
    metered.web.rig.sync(MASS)

    def away(pasts: PastsOf) -> Facts:
        raise CacheUnavailable("the cache is away")

    monkeypatch.setattr(metered.web.rig.service, "facts", away)
    told = metered.samples()
    [(labels, _value)] = told["sync_state"]
    assert (labels["state"], labels["cause"]) == ("Unknown", "cache unreachable")
    assert "sync_data_as_of_timestamp_seconds" not in told


def test_a_service_that_ends_has_no_state(metered: Metered) -> None:
    """Once nobody is judged there is no state, rather than an unknown one."""
    metered.web.rig.sync(MASS)
    metered.samples()
    metered.watching.watch(None)
    assert "sync_state{" not in metered.web.client.get("/metrics").text


def test_a_program_without_metrics_says_so(directory: Path) -> None:
    """Where none are kept there is nothing to read, rather than zeros."""
    with web_rig(directory) as found:
        assert "keeps no metrics" in found.get("/metrics", status=404)["detail"]
