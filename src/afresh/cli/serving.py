"""A service with its web interface, as far as the configuration asks for one."""

from collections.abc import Iterator
from contextlib import contextmanager

from afresh import wiring
from afresh.cli.output import say
from afresh.core.options import DataSyncOptions
from afresh.core.ports import Emit
from afresh.engine.service import Service
from afresh.sinks.tee import tee


@contextmanager
def served(options: DataSyncOptions, emit: Emit) -> Iterator[Service]:
    """The service, whose pages can be looked at while the context is open; says where they are."""
    if options.web is None:
        yield wiring.assemble(options, emit=emit)
        return
    # A web server takes half a second to import, which commands that have none are spared.
    from afresh.web.live import Live
    from afresh.web.server import serve

    live = Live()
    service = wiring.assemble(options, emit=tee(emit, live))
    server = serve(service, options.web, live)
    try:
        say(f"The dashboard is at {server.url}.")
        yield service
    finally:
        server.stop()
