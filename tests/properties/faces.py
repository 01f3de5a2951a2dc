"""All faces of the one judgement: the API, the health endpoint, the pages and the metrics, as others see them."""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from html import unescape
from typing import Any
from urllib.parse import quote

from starlette.testclient import TestClient

from afresh.core.options import WebConfig
from afresh.engine.judging import judged
from afresh.engine.service import Service
from afresh.sinks import instruments
from afresh.sinks.telemetry import telemetry
from afresh.web.app import build
from afresh.web.live import Live

_SHOWN = re.compile(r'<span class="state [a-z]+" title="[^"]*"><span aria-hidden="true">[^<]*</span> ([^<]+)</span>')
_GAUGE = re.compile(rf"^{instruments.STATE.prometheus}\{{(.*)\}} 1\.0$", re.MULTILINE)


class Faces:
    """What each face says of each table's state."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._resources = ExitStack()
        measured = self._resources.enter_context(
            telemetry(service.options, lambda: judged(service), prometheus=True, sent=frozenset())
        )
        self._app = build(service, WebConfig(), Live(), port=80, text=measured.text)
        self._client = self._resources.enter_context(TestClient(self._app, base_url="http://localhost"))

    def close(self) -> None:
        """Gives back what is held open."""
        self._resources.close()

    def states(self) -> Mapping[str, Mapping[str, str]]:
        """By face and table."""
        self._app.state.view.forget()
        tables = [table.table_name for table in self._service.options.data_sources]
        found = self._json("/api/v1/tables")
        health = self._json("/health")
        return {
            "API": {table["table_name"]: table["state"] for table in found["tables"]},
            "health": {name: entry["data"]["state"] for name, entry in health["entries"].items()},
            "pages": {name: self._page(name) for name in tables},
            "metrics": self._metrics(),
        }

    def fresh(self, table: str) -> bool:
        """Whether the endpoint that monitors ask says so."""
        return self._client.get(f"/freshness?table={quote(table)}").status_code == 200

    def _json(self, path: str) -> Any:
        return self._client.get(path).json()

    def _page(self, table: str) -> str:
        shown = _SHOWN.search(self._client.get(f"/tables/{quote(table)}").text)
        assert shown is not None
        return unescape(shown[1])

    def _metrics(self) -> Mapping[str, str]:
        text = self._client.get("/metrics").text
        labels = [dict(re.findall(r'(\w+)="([^"]*)"', found)) for found in _GAUGE.findall(text)]
        return {label["table"]: label["state"] for label in labels}
