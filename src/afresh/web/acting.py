"""The admin API's commands: run, cancel, pause, resume, accept, reset. Each is written into the audit log with who."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field

from afresh.core import account
from afresh.core.account import JsonValue
from afresh.core.actions import Action, ActionKind
from afresh.core.errors import ConfigurationError
from afresh.engine.service import last_sequence
from afresh.web.access import Admin, Caller, Operator
from afresh.web.health import view_of
from afresh.web.problems import Refused

Answer = Any
"""JSON; `core.account` has the shapes."""

router = APIRouter(prefix="/api/v1", tags=["commands"])

Key = Annotated[str | None, Header(min_length=1, max_length=64, description="The same key asks for the same run.")]


class Reason(BaseModel):
    """Why it is asked for, for those who will wonder."""

    reason: Annotated[str, Field(max_length=500)] = ""


class Run(Reason):
    """Which kind of sync."""

    update_type: Literal["Mass", "Daily", "Hourly"]


@router.post("/tables/{table}/run", status_code=202, summary="Sync a table now")
def run(request: Request, table: str, body: Run, caller: Operator, idempotency_key: Key = None) -> Answer:
    """Asks the service for a sync beside the schedules; it starts as soon as there is room. With an Idempotency-Key
    that was seen before, nothing new is asked for."""
    view_of(request).config(table)
    if idempotency_key is not None:
        for action in view_of(request).service.workplace.cache.actions.recent(table_name=table, limit=200):
            if action.kind is ActionKind.RUN and action.operation_id == idempotency_key:
                return account.of_action(action)
    return _ask(
        request,
        caller,
        ActionKind.RUN,
        table_name=table,
        argument=body.update_type,
        reason=body.reason,
        operation_id=idempotency_key or "",
    )


@router.post("/tables/{table}/cancel", status_code=202, summary="Cancel the sync that runs")
def cancel(request: Request, table: str, body: Reason, caller: Operator) -> Answer:
    """The sync under way ends without changing anything further."""
    view = view_of(request)
    view.config(table)
    running = view.service.facts().open_update(table)
    if running is None:
        raise Refused(409, f"no sync of {table} is running")
    return _ask(
        request,
        caller,
        ActionKind.CANCEL,
        table_name=table,
        operation_id=running.operation_id,
        reason=body.reason,
    )


@router.post("/tables/{table}/pause", status_code=202, summary="Pause a table")
def pause(request: Request, table: str, body: Reason, caller: Operator) -> Answer:
    """No sync of it starts any more; one that runs goes on to its end."""
    view_of(request).config(table)
    return _ask(request, caller, ActionKind.PAUSE, table_name=table, reason=body.reason)


@router.post("/tables/{table}/resume", status_code=202, summary="Resume a table")
def resume(request: Request, table: str, body: Reason, caller: Operator) -> Answer:
    """Its schedules are followed again."""
    view_of(request).config(table)
    return _ask(request, caller, ActionKind.RESUME, table_name=table, reason=body.reason)


@router.post("/tables/{table}/accept", status_code=202, summary="Let the next Mass shrink the table, once")
def accept(request: Request, table: str, body: Reason, caller: Admin) -> Answer:
    """Waives the guard against suspiciously small extracts for the next Mass."""
    view_of(request).config(table)
    last = str(last_sequence(view_of(request).service.workplace.cache.log, table))
    return _ask(request, caller, ActionKind.ACCEPT, table_name=table, argument=last, reason=body.reason)


@router.post("/sources/{source}/pause", status_code=202, summary="Pause all tables of a source system")
def pause_source(request: Request, source: str, body: Reason, caller: Operator) -> Answer:
    """No sync that reads it starts any more."""
    return _of_source(request, caller, ActionKind.PAUSE, source, body)


@router.post("/sources/{source}/resume", status_code=202, summary="Resume all tables of a source system")
def resume_source(request: Request, source: str, body: Reason, caller: Operator) -> Answer:
    """Tables that were paused by themselves stay so."""
    return _of_source(request, caller, ActionKind.RESUME, source, body)


@router.post("/sources/{source}/reset", status_code=202, summary="Close the breaker of a source system")
def reset(request: Request, source: str, body: Reason, caller: Admin) -> Answer:
    """It is tried again at once, also after a refused login."""
    return _of_source(request, caller, ActionKind.RESET, source, body)


def _of_source(request: Request, caller: Caller, kind: ActionKind, source: str, body: Reason) -> JsonValue:
    if source not in view_of(request).service.options.source_systems:
        raise ConfigurationError(f"there is no source system {source!r}")
    return _ask(request, caller, kind, source_system=source, reason=body.reason)


def _ask(
    request: Request,
    caller: Caller,
    kind: ActionKind,
    *,
    table_name: str = "",
    source_system: str = "",
    operation_id: str = "",
    reason: str = "",
    argument: str = "",
) -> JsonValue:
    view = view_of(request)
    place = view.service.workplace
    done = place.cache.actions.record(
        Action(
            at=place.clock.now(),
            who=caller.name,
            kind=kind,
            table_name=table_name,
            source_system=source_system,
            operation_id=operation_id,
            reason=reason,
            argument=argument,
        )
    )
    view.forget()
    return account.of_action(done)
