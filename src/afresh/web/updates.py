"""The page of one sync: what it was, where its time went, and what is remembered of it; the same as JSON."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from afresh.core.model import DataUpdate, Phase
from afresh.sinks.lines import line
from afresh.web import reading
from afresh.web.access import Reader
from afresh.web.health import view_of
from afresh.web.live import Live
from afresh.web.pages import page

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/updates/{operation_id}")
def one(request: Request, operation_id: str, caller: Reader) -> Response:
    """One sync: how it ended, its plan, its phases, its lines in the log."""
    if operation_id.endswith(".json"):
        return JSONResponse(reading.update(request, operation_id.removesuffix(".json"), caller))
    update, live = reading.updated(request, operation_id), _live(request)
    return page(
        request,
        "update",
        found=view_of(request).now(),
        update=update,
        details=update.details,
        spent=_spent(update),
        lines=[(event.at, line(event)) for event in live.recent(operation_id)],
    )


def _live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


def _spent(update: DataUpdate) -> list[tuple[int, Phase, timedelta]]:
    """Each phase that took time, with its place among all."""
    spent = {} if update.details is None else update.details.phases
    return [(number, phase, spent[phase]) for number, phase in enumerate(Phase) if phase in spent]
