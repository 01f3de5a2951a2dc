"""Whether all is well, for those who ask again and again: orchestrators, monitors, other programs, badges."""

from collections.abc import Mapping
from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from afresh.core.account import JsonValue, seconds
from afresh.core.errors import AfreshError
from afresh.core.judgement import Judgement
from afresh.core.phrases import iso, span
from afresh.core.states import LOOKS, Health, State
from afresh.web.access import Reader
from afresh.web.view import View

router = APIRouter(tags=["health"])

_STATUS = {Health.HEALTHY: 200, Health.DEGRADED: 200, Health.UNHEALTHY: 503}
_WITHIN = frozenset({State.FRESH, State.DUE, State.SYNCING})
_COLOURS: Mapping[str, str] = {
    "green": "#1a7f37",
    "blue": "#0550ae",
    "yellow": "#7d4e00",
    "red": "#b3261e",
    "magenta": "#6e40a0",
    "grey": "#57606a",
}


def view_of(request: Request) -> View:
    """The view of the server that got the request."""
    found: View = request.app.state.view
    return found


@router.get("/livez", summary="Whether the process and its loop live; asks no database")
def livez(request: Request) -> JSONResponse:
    """503 if the service's loop has not come round for long: then a restart helps. Being late never ends here."""
    stuck = view_of(request).service.stuck_for
    body: JsonValue = {"status": "alive" if stuck is None else "stuck", "stuck_for_seconds": stuck}
    return JSONResponse(body, status_code=200 if stuck is None else 503)


@router.get("/readyz", summary="Whether the cache can be reached and recovery is done")
def readyz(request: Request) -> JSONResponse:
    """503 until leftovers of the last run are repaired, and while the cache cannot be asked."""
    view = view_of(request)
    try:
        view.service.workplace.cache.log.history(limit=1)
    except AfreshError as error:
        return JSONResponse({"status": "not ready", "reason": error.message}, status_code=503)
    if not view.service.recovered:
        return JSONResponse({"status": "not ready", "reason": "recovery is not done"}, status_code=503)
    return JSONResponse({"status": "ready"})


@router.get("/health", summary="The specified health: Healthy, Degraded or Unhealthy, with an entry for each table")
def health(request: Request, _caller: Reader) -> JSONResponse:
    """200 for Healthy and Degraded, 503 for Unhealthy."""
    found = view_of(request).now()
    stuck = view_of(request).service.stuck_for
    status = Health.UNHEALTHY if stuck is not None else found.health
    body: JsonValue = {
        "status": str(status),
        "totalDuration": "00:00:00",
        "entries": {table.table_name: _entry(found, number) for number, table in enumerate(found.tables)},
    }
    return JSONResponse(body, status_code=_STATUS[status])


def _entry(found: Judgement, number: int) -> JsonValue:
    table = found.tables[number]
    return {
        "status": str(table.health),
        "description": found.told(table).happened,
        "duration": "00:00:00",
        "tags": [table.source_system],
        "data": {
            "state": str(table.state),
            "cause": None if table.cause is None else str(table.cause),
            "sourceSystem": table.source_system,
            "dataAsOf": iso(table.data_as_of),
            "ageSeconds": seconds(table.age_at(found.at)),
            "limitSeconds": seconds(table.limit),
            "lastSuccess": {str(kind): iso(update.start_dt) for kind, update in sorted(table.last_success.items())},
            "runningSince": iso(table.running_since),
            "overdueBySeconds": seconds(table.overdue_at(found.at)),
            "consecutiveFailures": table.consecutive_failures,
            "lastError": table.last_error,
            "nextDue": iso(table.next_at),
        },
    }


@router.get("/freshness", summary="Whether one table is within its limit")
def freshness(request: Request, table: str, _caller: Reader) -> JSONResponse:
    """200 if a committed update proves that the table's data is within its limit, else 503."""
    found = view_of(request).now()
    judged = found.of(table)
    age = judged.age_at(found.at)
    fresh = judged.state in _WITHIN and age is not None and judged.limit is not None and age <= judged.limit
    body: JsonValue = {
        "table": judged.table_name,
        "fresh": fresh,
        "state": str(judged.state),
        "data_as_of": iso(judged.data_as_of),
        "age_seconds": seconds(age),
        "limit_seconds": seconds(judged.limit),
    }
    return JSONResponse(body, status_code=200 if fresh else 503)


@router.get("/badge/{table}.json", summary="One table's state for a badge of others")
def badge_json(request: Request, table: str, _caller: Reader) -> JSONResponse:
    """The state as a shield takes it."""
    found = view_of(request).now()
    judged = found.of(table)
    age = judged.age_at(found.at)
    message = f"{judged.state}" + (f", {span(age)} old" if age is not None else "")
    return JSONResponse(
        {"schemaVersion": 1, "label": judged.table_name, "message": message, "color": LOOKS[judged.state].colour}
    )


@router.get("/badge/{table}.svg", summary="One table's state as a picture")
def badge_svg(request: Request, table: str, _caller: Reader) -> Response:
    """A badge with the name, the sign and the state."""
    judged = view_of(request).now().of(table)
    look = LOOKS[judged.state]
    return Response(
        _badge(judged.table_name, f"{look.glyph} {judged.state}", _COLOURS[look.colour]), media_type="image/svg+xml"
    )


def _badge(name: str, text: str, colour: str) -> str:
    left, right = 14 + 7 * len(name), 14 + 7 * len(text)
    name, text = escape(name), escape(text)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{name}: {text}"><title>{name}: {text}</title><rect width="{left}" height="20" fill="#24292f"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{name}</text>'
        f'<text x="{left + right / 2}" y="14">{text}</text></g></svg>'
    )
