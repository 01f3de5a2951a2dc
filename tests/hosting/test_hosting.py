"""The service inside programs of others."""

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from afresh.core.errors import ConfigurationError
from afresh.core.events import Event, ServiceStopped, SyncEnded
from afresh.core.model import Outcome, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig
from afresh.hosting import DataSyncService, add_data_sync

ROWS = 500


class Seen:
    """A sink that keeps the events and says when a sync has ended."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ended = threading.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, SyncEnded):
            self.ended.set()


def options_in(directory: Path) -> DataSyncOptions:
    """One table of made-up rows, loaded at the first check and not due again."""
    return DataSyncOptions(
        cache=CacheConfig(url="sqlite:///cache.db"),
        data_sources=(
            DataSourceConfig(
                table_name="Sample",
                source_system="NONE",
                fetcher="sample",
                fetcher_options={"rows": ROWS},
                mass=ScheduleConfig(interval=timedelta(days=7)),
            ),
        ),
        check_interval=timedelta(seconds=1),
        base_directory=directory,
    )


def rows_in(directory: Path) -> int:
    """Rows of the cache table, read as any other program would."""
    with closing(sqlite3.connect(directory / "cache.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM Sample").fetchone()[0])


def test_a_service_runs_while_its_context_is_open(tmp_path: Path) -> None:
    """`with DataSyncService(options)` loads what is due, and has ended with the context."""
    seen = Seen()
    with DataSyncService(options_in(tmp_path), sinks=(seen,)):
        assert seen.ended.wait(20)
    assert rows_in(tmp_path) == ROWS
    assert isinstance(seen.events[-1], ServiceStopped)
    assert not [thread for thread in threading.enumerate() if thread.name == "afresh-service"]


def test_a_program_can_ask_for_one_sync(tmp_path: Path) -> None:
    """`sync` runs one sync in the calling thread and says how it ended, beside the schedules."""
    seen = Seen()
    with DataSyncService(options_in(tmp_path), sinks=(seen,)) as service:
        assert seen.ended.wait(20)
        ended = service.sync("Sample", UpdateType.HOURLY)
    assert ended.outcome is Outcome.SUCCEEDED
    assert ended.task.update_type is UpdateType.HOURLY


def test_a_fatal_mistake_shows_before_anything_starts(tmp_path: Path) -> None:
    """Options that cannot work raise when the service is made, not when it runs."""
    options = options_in(tmp_path)
    wrong = replace(options, data_sources=(replace(options.data_sources[0], fetcher="no_such_module:Fetcher"),))
    with pytest.raises(ConfigurationError, match="no_such_module"):
        DataSyncService(wrong)
    assert not (tmp_path / "cache.db").exists()


def test_a_service_starts_once(tmp_path: Path) -> None:
    """A second start is refused, also after a stop."""
    service = DataSyncService(options_in(tmp_path))
    service.start()
    service.stop()
    with pytest.raises(RuntimeError, match="started before"):
        service.start()


def test_an_application_hosts_the_service(tmp_path: Path) -> None:
    """`add_data_sync` runs the service from start-up to shutdown, inside the lifespan the application has."""
    order: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        order.append("application up")
        yield {"kept": "state"}
        order.append("application down")

    seen = Seen()
    app = FastAPI(lifespan=lifespan)
    service = add_data_sync(app, options_in(tmp_path), sinks=(seen,))

    @app.get("/rows")
    def rows() -> int:
        return rows_in(tmp_path)

    with TestClient(app) as client:
        assert seen.ended.wait(20)
        assert client.get("/rows").json() == ROWS
        assert app.state.data_sync is service
    assert order == ["application up", "application down"]
    assert isinstance(seen.events[-1], ServiceStopped)


def test_a_program_measures_the_service_by_its_own_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics go to the meter provider that the program has set up; after the end nothing is judged."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    monkeypatch.setattr("opentelemetry.metrics.get_meter_provider", lambda: provider)

    def names() -> set[str]:
        data = reader.get_metrics_data()
        assert data is not None
        return {
            metric.name
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.data.data_points
        }

    seen = Seen()
    with DataSyncService(options_in(tmp_path), sinks=(seen,)):
        assert seen.ended.wait(20)
        assert {"sync.operations.completed", "sync.state"} <= names()
    assert "sync.operations.completed" in names()
    assert "sync.state" not in names()
    provider.shutdown()
