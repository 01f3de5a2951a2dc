"""The admin API's questions: tables, updates, sources, actions, plan, configuration and live events. All JSON."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from afresh import wiring
from afresh.config import effective
from afresh.config.effective import Answer, plain, shown
from afresh.core import account
from afresh.core.account import JsonValue
from afresh.core.events import Event
from afresh.core.judgement import Judgement
from afresh.core.model import DataUpdate, Outcome
from afresh.core.moments import EXAMPLES, Between, NotASpan, between
from afresh.core.phrases import iso
from afresh.core.sentences import evidence
from afresh.sinks.lines import FieldValue, line
from afresh.web.access import Admin, Reader
from afresh.web.columns import as_json as seen_columns
from afresh.web.health import view_of
from afresh.web.live import Live, as_value
from afresh.web.problems import Refused

router = APIRouter(prefix="/api/v1", tags=["questions"])

Limit = Annotated[int, Query(ge=1, le=500, description="Most rows.")]
Before = Annotated[int | None, Query(ge=1, le=2**53, description="Only rows recorded before this one: `next_before`.")]

Since = Annotated[str | None, Query(max_length=100, description=f"Only syncs that started then or later. {EXAMPLES}")]
Until = Annotated[
    str | None,
    Query(max_length=100, description=f"Only syncs that started before; of a day, those of that day too. {EXAMPLES}"),
]


def span(since: str | None, until: str | None) -> Between:
    """The span of time that is asked for; refused if it is none."""
    try:
        return between(since, until)
    except NotASpan as wrong:
        raise Refused(422, str(wrong), hint=EXAMPLES) from wrong


@router.get("/openapi.json", summary="This API, described (OpenAPI 3.1)")
def openapi(request: Request, _caller: Reader) -> Any:
    """The description that clients are made from."""
    return request.app.openapi()


@router.get("/tables", summary="How all tables stand, worst first")
def tables(request: Request, _caller: Reader) -> Answer:
    """One judgement of everything."""
    found = view_of(request).now()
    return {
        "at": iso(found.at),
        "health": str(found.health),
        "unseen": None if found.unseen is None else found.unseen.message,
        "tables": [_table(found, table.table_name) for table in found.worst_first],
    }


@router.get("/tables/{table}", summary="How one table stands, and on what evidence")
def one_table(request: Request, table: str, _caller: Reader) -> Answer:
    """The judgement, its five sentences, and what it rests on."""
    found = view_of(request).now()
    judged = found.of(table)
    view = view_of(request)
    return {
        "at": iso(found.at),
        **account.of_table(judged, found.told(judged), found.at),
        "evidence": list(evidence(judged)),
        "lookback": [account.of_lookback(lookback) for lookback in view.lookbacks(judged)],
        "configuration": shown(view.config(table)),
        "options": effective.as_json(effective.of_table(view.service.options, table, wiring.KINDS)),
        "schema": seen_columns(view.service.workplace.schemas.of(table)),
    }


def _table(found: Judgement, name: str) -> dict[str, JsonValue]:
    judged = found.of(name)
    return account.of_table(judged, found.told(judged), found.at)


@router.get("/updates", summary="Syncs, latest first")
def updates(
    request: Request,
    _caller: Reader,
    table: str | None = None,
    outcome: Outcome | None = None,
    since: Since = None,
    until: Until = None,
    before: Before = None,
    limit: Limit = 50,
) -> Answer:
    """A page of the log; `next_before` asks for the one after it, and is null at the end. With `since` or `until` the
    syncs are in the order of their starts, else in that in which they were recorded: these differ only where a clock
    was set back."""
    log, started = view_of(request).service.workplace.cache.log, span(since, until)
    found = log.history(
        table_name=table, outcome=outcome, since=started.since, until=started.until, before=before, limit=limit
    )
    rest = found[-1].sequence if len(found) == limit else None
    return {"updates": [account.of_update(update) for update in found], "next_before": rest}


@router.get("/updates/{operation_id}", summary="One sync with its phases, its plan and what is remembered of it")
def update(request: Request, operation_id: str, _caller: Reader) -> Answer:
    """The audit row, and what this process remembers of it: its events, and its lines in the log."""
    found, live = updated(request, operation_id), request.app.state.live
    events = live.recent(operation_id)
    told: list[JsonValue] = [{"event": type(event).__name__, **_fields(event)} for event in events]
    return {**_object(account.of_update(found)), "events": told, "log": [logged(event) for event in events]}


def updated(request: Request, operation_id: str) -> DataUpdate:
    """The audit row of one sync; refused if there is none."""
    rows = view_of(request).service.workplace.cache.log.history(operation_id=operation_id)
    if not rows:
        raise Refused(404, f"there is no update {operation_id!r}")
    return rows[0]


def logged(event: Event) -> dict[str, JsonValue]:
    """The line of an event, as the log has it."""
    said = line(event)
    fields = {name: _plain(value) for name, value in said.fields.items() if value is not None}
    return {"at": iso(event.at), "level": said.level, "text": said.text, **fields}


def _plain(value: FieldValue) -> JsonValue:
    return [*value] if isinstance(value, list) else value


def _fields(event: object) -> dict[str, Any]:
    found = as_value(event)
    assert isinstance(found, dict)
    return {name: value for name, value in found.items() if name != "task"}


def _object(value: JsonValue) -> dict[str, JsonValue]:
    assert isinstance(value, dict)
    return value


@router.get("/sources", summary="How the source systems stand")
def sources(request: Request, _caller: Reader) -> Answer:
    """Reachable, sessions used of allowed, latency, skew, breaker and quiet hours, as far as they are known."""
    found = view_of(request).now()
    return {"at": iso(found.at), "sources": [plain(state) for state in found.sources]}


@router.get("/actions", summary="What people asked for, latest first")
def actions(
    request: Request, _caller: Reader, table: str | None = None, before: Before = None, limit: Limit = 50
) -> Answer:
    """The audit log of actions."""
    found = view_of(request).service.workplace.cache.actions.recent(table_name=table, before=before, limit=limit)
    rest = found[-1].sequence if len(found) == limit else None
    return {"actions": [account.of_action(action) for action in found], "next_before": rest}


@router.get("/config", summary="The configuration in force, without secrets")
def config(request: Request, _caller: Admin) -> Answer:
    """Every option with the value that holds, and where those were given that are no defaults. What may be a secret is
    not shown."""
    return effective.whole(view_of(request).service.options, wiring.KINDS)


@router.get("/events", summary="What happens, as it happens (server-sent events)", response_class=StreamingResponse)
async def events(
    request: Request, _caller: Reader, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """A stream that does not end; each second a `beat` says that the link is whole, and by its `mark` whether a table
    stands otherwise than at the beat before."""
    live: Live = request.app.state.live
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 16 else None
    view = view_of(request)

    async def look() -> str:
        known = view.known()
        return known.mark if known is not None else (await run_in_threadpool(view.now)).mark

    return StreamingResponse(live.stream(look, seen), media_type="text/event-stream")
