"""The metrics, as Prometheus reads them."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from afresh.web.access import Reader
from afresh.web.problems import Refused

router = APIRouter(tags=["health"])

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics", summary="Metrics in the text format of Prometheus", response_class=Response)
def metrics(request: Request, _caller: Reader) -> Response:
    """All instruments; 404 where the program around the service does not keep any."""
    text: Callable[[], bytes] | None = request.app.state.metrics
    if text is None:
        raise Refused(404, "this program keeps no metrics of its own")
    return Response(text(), media_type=_TEXT)
