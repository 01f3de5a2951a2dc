"""A service with its web interface and its telemetry, as far as configuration, cache and environment ask for them."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from afresh import wiring
from afresh.caches.rendezvous import Rendezvous
from afresh.cli.output import say
from afresh.core.options import DataSyncOptions, WebConfig
from afresh.core.ports import Emit
from afresh.engine.judging import Watching
from afresh.engine.service import Service
from afresh.sinks.exporter_troubles import told_in_short
from afresh.sinks.otlp import sending
from afresh.sinks.tee import tee

_Text = Callable[[], bytes]
"""Makes what Prometheus reads."""


@contextmanager
def served(options: DataSyncOptions, emit: Emit) -> Iterator[Service]:
    """The service, whose pages and metrics can be looked at while the context is open; says where they are.

    Where the service owns the cache alone it always listens, on this machine, and writes down how commands ask it.
    """
    watching = Watching()
    with ExitStack() as stack:
        sinks, text = _measured(options, watching, stack)
        service = stack.enter_context(_shown(options, tee(emit, *sinks), text))
        watching.watch(service)
        try:
            yield service
        finally:
            # What is sent last must not say that nobody knows how things stand.
            watching.watch(None)


def _measured(options: DataSyncOptions, watching: Watching, stack: ExitStack) -> tuple[tuple[Emit, ...], _Text | None]:
    """The sinks of metrics and traces, and the text for Prometheus; none if nobody reads them."""
    asked = sending(os.environ)
    for note in asked.notes:
        say(note)
    if options.web is None and not asked.signals:
        return (), None
    # OpenTelemetry takes its time to import, which those who do not use it are spared.
    from afresh.sinks.telemetry import telemetry

    stack.enter_context(told_in_short(say))
    found = stack.enter_context(telemetry(options, watching, prometheus=options.web is not None, sent=asked.signals))
    return found.sinks, found.text


@contextmanager
def _shown(options: DataSyncOptions, emit: Emit, text: _Text | None) -> Iterator[Service]:
    note = wiring.owners_note(options)
    config = options.web or (WebConfig() if note is not None else None)
    if config is None:
        yield wiring.assemble(options, emit=emit)
        return
    # A web server takes half a second to import, which commands that have none are spared.
    from afresh.web.live import Live
    from afresh.web.server import serve

    live, token = Live(), secrets.token_urlsafe(32)
    service = wiring.assemble(options, emit=tee(emit, live))
    server = serve(service, config, live, {"a command on this machine": token}, text)
    try:
        with _announced(note, Rendezvous(url=server.url, token=token, process=os.getpid())):
            say(f"The dashboard is at {server.url}.")
            yield service
    finally:
        server.stop()


@contextmanager
def _announced(note: Path | None, owner: Rendezvous) -> Iterator[None]:
    """The note, while the context is open; none if the server cannot be asked without encryption on this machine."""
    if note is None or not owner.url.startswith("http://127.0.0.1:"):
        yield
        return
    note.parent.mkdir(parents=True, exist_ok=True)
    owner.write(note)
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink()
