"""`afresh status`: how every table stands, why, and what its last sync did."""

from typing import Annotated

import typer

from afresh.cli import configuration, standing
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.exits import Exit


def status(
    config: ConfigPath = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again every two seconds, until Ctrl-C.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Show each table, however many there are, not only the worst.")
    ] = False,
    json: Json = False,
) -> Exit:
    """Shows how every table stands, worst first, and why. Works beside a running service.

    Of many tables the worst are shown, and the others counted. A service that runs with the same configuration is
    asked, if it belongs to the same user and is on this machine; the cache itself otherwise.
    """
    shape = standing.Shape(config=config, json=json, every=every)
    service = configuration.asking(config)
    try:
        return standing.told(service, shape, watch=watch)
    finally:
        service.release()
