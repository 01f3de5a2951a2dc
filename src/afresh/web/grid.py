"""The page of tables by time: in which stretch of it each was proved fresh."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from markupsafe import Markup

from afresh.core import phrases
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.model import Outcome
from afresh.web import charts
from afresh.web.access import Reader
from afresh.web.health import view_of
from afresh.web.pages import link, shared, shown, written
from afresh.web.view import View

router = APIRouter(tags=["pages"], include_in_schema=False)

_TABLES, _COLUMNS, _RUNS = 100, 24, 200

Hours = Annotated[int, Query(ge=6, le=168)]


@router.get("/grid")
def grid(request: Request, _caller: Reader, hours: Hours = 24) -> Response:
    """Tables by time: in which hour each was proved fresh."""
    found = view_of(request).now()
    return shared(request, found, lambda: _grid(request, found, hours))


def _grid(request: Request, found: Judgement, hours: int) -> str:
    ends, rows = _rows(view_of(request), found, hours)
    left_out = len(found.tables) - len(rows)
    drawn = Markup("\n".join(_row(*row) for row in rows))  # noqa: S704 - the parts of a row are escaped
    return written(request, "grid", found=found, rows=drawn, ends=ends, hours=hours, left_out=left_out)


def _row(table: TableHealth, now: str, before: tuple[str, ...]) -> str:
    """A row; many, so they are not a template's."""
    head = f'<tr><th scope="row">{link(table.table_name)}</th><td>{shown(table.state)}</td>'
    return f"{head}{charts.cells((now,))}{charts.cells(before)}</tr>"


def _rows(
    view: View, found: Judgement, hours: int
) -> tuple[list[datetime], list[tuple[TableHealth, str, tuple[str, ...]]]]:
    """The ends of the stretches of time, the latest first, and what is so now, and was so in those before, of each
    table, the worst first.

    They end at whole steps, but for that of now; so most of a row stays as it is for long.
    """
    step, rows = timedelta(hours=hours) / _COLUMNS, []
    last = found.at - ((found.at - charts.EVER) % step or step)
    ends = [found.at, *(last - place * step for place in range(_COLUMNS - 1))]
    for table in found.worst_first[:_TABLES]:
        name = table.table_name
        proved = view.pieces.get(("proved", name), table.stamp, partial(_proved, view, found, table))
        before = view.pieces.get(("kinds", name, hours), (table.stamp, last), partial(_kinds, *proved, step, ends[1:]))
        rows.append((table, _kind(*proved, last, found.at), before))
    return ends, rows


def _proved(view: View, found: Judgement, table: TableHealth) -> tuple[list[tuple[datetime, datetime]], list[datetime]]:
    """When the last runs of a table proved it fresh, whenever one looks, and when those were started that failed."""
    log = view.service.workplace.cache.log
    updates = [] if found.unseen else log.history(table_name=table.table_name, limit=_RUNS)
    failed = [update.start_dt for update in updates if update.outcome is Outcome.FAILED]
    return charts.fresh_spans(updates, table.limit), failed


def _kinds(
    spans: list[tuple[datetime, datetime]], failed: list[datetime], step: timedelta, ends: Sequence[datetime]
) -> tuple[str, ...]:
    """What was so in the stretches of time that end there."""
    return tuple(_kind(spans, failed, end - step, end) for end in ends)


def _kind(spans: list[tuple[datetime, datetime]], failed: list[datetime], begin: datetime, end: datetime) -> str:
    if any(begin <= started < end for started in failed):
        return "failed"
    return "fresh" if any(first <= end <= last for first, last in spans) else "late"


@router.get("/grid.json")
def grid_json(request: Request, _caller: Reader, hours: Hours = 24) -> Response:
    """The same as JSON: for each table, what was so at each of the ends, the latest first."""
    view = view_of(request)
    found = view.now()
    ends, rows = _rows(view, found, hours)
    return JSONResponse(
        {
            "at": phrases.iso(found.at),
            "hours": hours,
            "ends": [phrases.iso(end) for end in ends],
            "tables": [
                {"table_name": table.table_name, "state": str(table.state), "cells": [now, *before]}
                for table, now, before in rows
            ],
            "left_out": len(found.tables) - len(rows),
            "all": "/api/v1/tables",
        }
    )
