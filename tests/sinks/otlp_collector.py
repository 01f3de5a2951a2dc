"""A collector of OTLP on this machine that keeps what it is sent."""

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector(http.server.ThreadingHTTPServer):
    """Answers that all is well; `taken` are the bodies by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: dict[str, list[bytes]] = {}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[Any]:
        """All spans that were sent."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.taken.get("/v1/traces", [])]
        scopes = [scope for one in requests for found in one.resource_spans for scope in found.scope_spans]
        assert {scope.scope.name for scope in scopes} <= {"DataSync"}
        return [span for scope in scopes for span in scope.spans]

    def metrics(self) -> list[Any]:
        """The metrics that were sent last."""
        scopes = [scope for found in self._measured().resource_metrics for scope in found.scope_metrics]
        return [metric for scope in scopes for metric in scope.metrics]

    def service_name(self) -> str:
        """What the metrics that were sent last are those of."""
        [found] = self._measured().resource_metrics
        return {pair.key: str(pair.value.string_value) for pair in found.resource.attributes}["service.name"]

    def _measured(self) -> Any:
        return ExportMetricsServiceRequest.FromString(self.taken["/v1/metrics"][-1])


class _Taking(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keeps the body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Collector)
        plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        self.server.taken.setdefault(self.path, []).append(plain)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Is quiet."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while the context is open."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
