"""The web interface around a real service and a real SQLite cache, asked without a network."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.engine.rig import Rig, item, make_rig

from afresh.core.options import SourceSystemConfig, TokenConfig, WebConfig
from afresh.web.app import build
from afresh.web.live import Live

TOKENS = {"reader": "read", "operator": "operate", "admin": "admin"}
EXPIRED = "expired"


def token_of(name: str) -> str:
    """The token itself, for a name."""
    return f"token-of-{name}"


def tokens() -> dict[str, TokenConfig]:
    """One token for each scope, and one that has expired."""

    def made(name: str, scope: Any, expires: date | None = None) -> TokenConfig:
        return TokenConfig(sha256=hashlib.sha256(token_of(name).encode()).hexdigest(), scope=scope, expires=expires)

    found = {name: made(name, scope) for name, scope in TOKENS.items()}
    return found | {EXPIRED: made(EXPIRED, "admin", date(2000, 1, 1))}


@dataclass(kw_only=True)
class WebRig:
    """A service, its application, and a client that calls it by its own name."""

    rig: Rig
    app: FastAPI
    live: Live
    client: TestClient

    def get(self, path: str, status: int = 200, **arguments: Any) -> Any:
        """The JSON of an answer with that status."""
        answer = self.client.get(path, **arguments)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, status: int = 202, json: Any = None, **arguments: Any) -> Any:
        """The JSON of an answer with that status."""
        answer = self.client.post(path, json={} if json is None else json, **arguments)
        assert answer.status_code == status, answer.text
        return answer.json()


@contextmanager
def web_rig(directory: Path, config: WebConfig | None = None, **settings: Any) -> Iterator[WebRig]:
    """A service with one table of three rows that was not synced yet, and its web interface."""
    rig = make_rig(directory, rows=settings.pop("rows", [item(1), item(2), item(3)]), **settings)
    rig.service.options = replace(
        rig.service.options, source_systems={"ERP": SourceSystemConfig(kind="memory", max_sessions=2)}
    )
    live = Live()
    app = build(rig.service, config or WebConfig(), live, port=80)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield WebRig(rig=rig, app=app, live=live, client=client)
