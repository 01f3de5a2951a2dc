"""What commands ask of the service: written into the cache, where a running service finds it within a second."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from afresh.cli import configuration
from afresh.cli.output import write, write_json
from afresh.core import account
from afresh.core.actions import Action, ActionKind
from afresh.engine.service import Service
from afresh.sources.process_user import process_user


@contextmanager
def asked_service(config: Path | None) -> Iterator[Service]:
    """The service of that configuration, as far as asking goes; it runs nothing."""
    service = configuration.asking(config)
    try:
        yield service
    finally:
        service.release()


def who() -> str:
    """Who asks: the user of the operating system, and the machine."""
    return f"{process_user()}@{socket.gethostname()}"


def ask(
    service: Service,
    kind: ActionKind,
    *,
    table_name: str = "",
    source_system: str = "",
    operation_id: str = "",
    reason: str = "",
    argument: str = "",
) -> Action:
    """Records what is asked for, in the name of who runs the command."""
    place = service.workplace
    return place.cache.actions.record(
        Action(
            at=place.clock.now(),
            who=who(),
            kind=kind,
            table_name=table_name,
            source_system=source_system,
            operation_id=operation_id,
            reason=reason,
            argument=argument,
        )
    )


def tell(action: Action, text: str, *, json: bool) -> None:
    """What was asked for, or with `json` the action as it was recorded."""
    if json:
        write_json(account.of_action(action))
    else:
        write(text)
