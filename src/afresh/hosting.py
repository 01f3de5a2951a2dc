"""The service in programs of others: `with DataSyncService(options): ...`, or in a web application's lifespan."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from opentelemetry import metrics, trace

from afresh import wiring
from afresh.core.events import SyncEnded
from afresh.core.model import UpdateType
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Clock, Emit
from afresh.engine.cancellation import CancelToken
from afresh.engine.judging import Watching
from afresh.sinks.log import LogSink
from afresh.sinks.metrics import MetricsSink
from afresh.sinks.tee import tee
from afresh.sinks.traces import TracesSink


class DataSyncService:
    """Keeps the tables of the options fresh in a thread of its own, from `start` to `stop`.

    Raises `ConfigurationError` when it is made from options that cannot work; after that errors are events: to the
    log, to each of `sinks`, and to metrics and traces of the program's own OpenTelemetry, if it has set one up.
    """

    def __init__(self, options: DataSyncOptions, *, sinks: tuple[Emit, ...] = (), clock: Clock | None = None) -> None:
        self._watching = Watching()
        self._service = wiring.assemble(
            options, emit=tee(LogSink(), *_telemetry(options, self._watching), *sinks), clock=clock
        )
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the loop and returns at once. A service can be started once."""
        if self._thread is not None:
            raise RuntimeError("this service was started before; make a new one")
        self._watching.watch(self._service)
        self._thread = threading.Thread(target=self._service.run, name="afresh-service", daemon=True)
        self._thread.start()

    def stop(self, *, at_once: bool = False) -> None:
        """Ends the loop; running syncs get the shutdown timeout, or none. Returns when all has ended."""
        self._watching.watch(None)
        self._service.stop(at_once=at_once)
        if self._thread is not None:
            self._thread.join()

    def sync(self, table_name: str, update_type: UpdateType, *, allow_shrink: bool = False) -> SyncEnded:
        """One sync now, in the calling thread, beside the schedules; says how it ended."""
        return self._service.sync_now(table_name, update_type, CancelToken(), allow_shrink=allow_shrink)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _telemetry(options: DataSyncOptions, watching: Watching) -> tuple[Emit, ...]:
    """Sinks of the providers that the program has; until it sets some they do nothing."""
    kinds = {name: config.kind for name, config in options.source_systems.items()}
    return (
        MetricsSink(metrics.get_meter_provider(), watching),
        TracesSink(trace.get_tracer_provider(), sources=kinds, cache=options.cache.url.partition(":")[0]),
    )


class _Router(Protocol):
    lifespan_context: Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]


class _Application(Protocol):
    @property
    def router(self) -> Any: ...

    @property
    def state(self) -> Any: ...


def add_data_sync(
    app: _Application, options: DataSyncOptions, *, sinks: tuple[Emit, ...] = (), clock: Clock | None = None
) -> DataSyncService:
    """Runs a service while a FastAPI or Starlette application runs, around the lifespan that it has.

    The service is also at `app.state.data_sync`.
    """
    service = DataSyncService(options, sinks=sinks, clock=clock)
    router: _Router = app.router
    inner = router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        service.start()
        try:
            async with inner(running) as state:
                yield state
        finally:
            await asyncio.to_thread(service.stop)

    router.lifespan_context = lifespan
    app.state.data_sync = service
    return service
