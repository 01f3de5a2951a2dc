"""A service with its web interface, as far as the configuration asks for one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afresh.cli import configuration
from afresh.cli.output import say
from afresh.core.ports import Emit
from afresh.engine.service import Service
from afresh.sinks.tee import tee


@contextmanager
def served(config: Path | None, emit: Emit) -> Iterator[Service]:
    """The service, whose pages can be looked at while the context is open; says where they are."""
    web = configuration.options(config).web
    if web is None:
        yield configuration.service(config, emit)
        return
    # A web server takes half a second to import, which commands that have none are spared.
    from afresh.web.live import Live
    from afresh.web.server import serve

    live = Live()
    service = configuration.service(config, tee(emit, live))
    server = serve(service, web, live)
    try:
        say(f"The dashboard is at {server.url}.")
        yield service
    finally:
        server.stop()
