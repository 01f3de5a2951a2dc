"""`afresh token`: a token for the web interface, and what the configuration needs to know of it."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from afresh.cli.arguments import Json
from afresh.cli.exits import Exit
from afresh.cli.output import write, write_json
from afresh.core.errors import ConfigurationError

_SCOPES = ("read", "operate", "admin")


def token(
    name: Annotated[str, typer.Argument(help="Who will use it.", metavar="NAME")],
    scope: Annotated[str, typer.Option(help="What it allows: read, operate or admin.")] = "read",
    days: Annotated[int, typer.Option(help="Days that it is valid; 0: for ever.", min=0)] = 365,
    json: Json = False,
) -> Exit:
    """Makes a token for the web interface. It is shown once; the configuration gets its hash."""
    if scope not in _SCOPES:
        raise ConfigurationError(f"{scope!r} is not a scope", hint=f"The scopes are: {', '.join(_SCOPES)}.")
    made = secrets.token_urlsafe(32)
    digest = hashlib.sha256(made.encode()).hexdigest()
    expires = (datetime.now(UTC) + timedelta(days=days)).date().isoformat() if days else None
    if json:
        write_json({"name": name, "token": made, "sha256": digest, "scope": scope, "expires": expires})
        return Exit.GOOD
    write(f"The token, which is not shown again:\n  {made}\n\nIn the configuration:")
    write(f'[data_sync.web.tokens.{name}]\nsha256 = "{digest}"\nscope = "{scope}"')
    if expires is not None:
        write(f"expires = {expires}")
    return Exit.GOOD
