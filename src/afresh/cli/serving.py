"""A service with its web interface, as far as the configuration or the cache asks for one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from afresh import wiring
from afresh.caches.remote import Rendezvous
from afresh.cli.output import say
from afresh.core.options import DataSyncOptions, WebConfig
from afresh.core.ports import Emit
from afresh.engine.service import Service
from afresh.sinks.tee import tee


@contextmanager
def served(options: DataSyncOptions, emit: Emit) -> Iterator[Service]:
    """The service, whose pages can be looked at while the context is open; says where they are.

    Where the service owns the cache alone it always listens, on this machine, and writes down how commands ask it.
    """
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
    server = serve(service, config, live, {"a command on this machine": token})
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
