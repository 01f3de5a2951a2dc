"""The dashboard: pages made on the server, which can be read without JavaScript; each has a `.json` of the same.

Nothing is edited here, the file is the configuration; what can be done is what the commands can do, and each form
shows its command and its consequence first.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from afresh import wiring
from afresh.config import effective
from afresh.core import phrases
from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.model import DataUpdate, Outcome, Phase
from afresh.core.sentences import evidence
from afresh.core.states import LOOKS, State
from afresh.core.troubles import troubles
from afresh.web import acting, charts, columns, reading
from afresh.web.access import COOKIE, Operator, Reader, access_of
from afresh.web.acting import Reason, Run
from afresh.web.health import view_of
from afresh.web.overview import NAMED, SORTS, TOLD, Choice, as_json, counted, headline, overview
from afresh.web.problems import Refused
from afresh.web.ready import key_of
from afresh.web.view import View

router = APIRouter(tags=["pages"], include_in_schema=False)

_STRIP = 30
_DAYS = 30
_GRID = 100
_MOST_UPDATES = 1000
_COLUMNS = 24
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_pages = Environment(loader=PackageLoader("afresh", "web"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
_pages.globals.update(LOOKS=LOOKS, State=State, Cause=Cause, charts=charts, quote=lambda text: quote(text, safe=""))
_pages.filters.update(
    instant=phrases.instant,
    span=phrases.span,
    latency=phrases.latency,
    relative=phrases.relative,
    changes=phrases.changes,
    iso=phrases.iso,
    number=lambda value: f"{value:,}",
    outcome=charts.outcome_of,
)

Search = Annotated[str, Query(max_length=100)]


def page(request: Request, name: str, **values: Any) -> HTMLResponse:
    """A page by the name of its template."""
    return HTMLResponse(written(request, name, **values))


def written(request: Request, name: str, **values: Any) -> str:
    """The same as text."""
    template = _pages.get_template(f"{name}.html")
    logs_in = bool(access_of(request).config.tokens)
    return template.render(path=request.url.path, query=request.url.query, name=name, logs_in=logs_in, **values)


def problem_page(request: Request, status: int, title: str, detail: str, hint: str) -> HTMLResponse:
    """A problem as people read it."""
    return HTMLResponse(written(request, "problem", title=title, detail=detail.rstrip("."), hint=hint), status)


def shared(request: Request, found: Judgement, make: Callable[[], str], *more: Hashable) -> HTMLResponse:
    """A page of one judgement, made once for all who ask for that very address; `more` is what else it depends on. Who
    asks for it after that is answered by `ready`."""
    return view_of(request).pages.get(found, key_of(request, *more), lambda: HTMLResponse(make()))


# ------------------------------------------------------------------------------------------------------------- now


async def _choice(
    state: Search = "",
    source: Search = "",
    q: Search = "",
    sort: Search = SORTS[0],
    show: Search = "",
    skip: Annotated[int, Query(ge=0, le=10**6)] = 0,
) -> Choice:
    """Which tables the address asks for."""
    sort = sort if sort in SORTS else SORTS[0]
    return Choice(state=state, source=source, text=q, sort=sort, everything=show == "all", skip=skip)


Chosen = Annotated[Choice, Depends(_choice)]


@router.get("/")
def now(request: Request, _caller: Reader, choice: Chosen) -> Response:
    """How things stand: one sentence, problems by cause, tables worst first, the fresh ones folded."""
    found = view_of(request).now()
    return shared(request, found, lambda: _now(request, found, choice))


def _now(request: Request, found: Judgement, choice: Choice) -> str:
    view, tables, known = view_of(request), overview(found, choice), troubles(found)
    return written(
        request,
        "now",
        found=found,
        headline=headline(found),
        counts=counted(found),
        troubles=known[:TOLD],
        more=len(known) - TOLD,
        named=NAMED,
        choice=choice,
        sorts=SORTS,
        sources=list(view.service.options.source_systems),
        tables=tables,
        strips={table.table_name: _strip(view, found, table) for table in tables.shown},
        runs=_STRIP,
    )


def _strip(view: View, found: Judgement, table: TableHealth) -> Markup:
    """The last runs of a table; drawn again when one has started or ended, and as long as one runs."""

    def drawn() -> Markup:
        log = view.service.workplace.cache.log
        return charts.strip([] if found.unseen else log.history(table_name=table.table_name, limit=_STRIP), found.at)

    return drawn() if table.running else view.pieces.get(("strip", table.table_name), table.stamp, drawn)


@router.get("/now.json")
def now_json(request: Request, _caller: Reader, choice: Chosen) -> Response:
    """The same as JSON, of the tables that the same choice has."""
    return JSONResponse(as_json(view_of(request).now(), choice))


# ----------------------------------------------------------------------------------------------------------- table


@router.get("/tables/{table}")
def one(request: Request, table: str, _caller: Reader) -> Response:
    """One table: verdict, timeline, charts, phases, configuration, and what can be asked."""
    if table.endswith(".json"):
        return JSONResponse(reading.one_table(request, table.removesuffix(".json"), _caller))
    found = view_of(request).now()
    judged = found.of(table)
    return shared(request, found, lambda: _one(request, found, judged, _caller.scope), _caller.scope)


def _one(request: Request, found: Judgement, judged: TableHealth, scope: str) -> str:
    view, table = view_of(request), judged.table_name
    seen = view.service.workplace.schemas.of(table)
    updates = view.updates(judged, _MOST_UPDATES)
    succeeded = [update for update in reversed(updates) if update.outcome is Outcome.SUCCEEDED and update.end_dt]
    since = _known_since(updates, found.at)
    return written(
        request,
        "table",
        found=found,
        table=judged,
        told=found.told(judged),
        evidence=(*evidence(judged), *(lookback.said for lookback in view.lookbacks(judged))),
        updates=updates[:_STRIP],
        timeline=charts.timeline(updates, judged.limit, found.at, since or found.at - timedelta(days=_DAYS)),
        since=since,
        days=_DAYS,
        durations=charts.line(
            [(u.start_dt, _seconds(u)) for u in succeeded[-200:]], "Duration of successful syncs", "s"
        ),
        rows=charts.line([(u.start_dt, float(u.number_records)) for u in succeeded[-200:]], "Rows read", "rows"),
        phases=list(Phase),
        seen=seen,
        columns=[] if seen is None else columns.listed(seen.schema),
        drift=[] if seen is None else columns.told(seen),
        configured=effective.of_table(view.service.options, table, wiring.KINDS),
        scope=scope,
    )


def _known_since(updates: Sequence[DataUpdate], now: datetime) -> datetime | None:
    """When the first sync that is known began, if that is not as long ago as the page looks back. Where there may be
    more syncs than were asked for, the page looks back to the first of those."""
    first = min((update.start_dt for update in updates), default=None)
    return first if first is not None and first > now - timedelta(days=_DAYS) else None


def _seconds(update: DataUpdate) -> float:
    return (update.end_dt - update.start_dt).total_seconds() if update.end_dt else 0.0


@router.post("/tables/{table}/{action}")
async def act(request: Request, table: str, action: str, caller: Operator) -> Response:
    """What a form of the page asks for, then the page again."""
    sent = parse_qs((await request.body()).decode("utf-8", "replace")[:10_000])
    reason = Reason(reason=sent.get("reason", [""])[0][:500])
    match action:
        case "run":
            kind = sent.get("update_type", ["Daily"])[0]
            if kind not in ("Mass", "Daily", "Hourly"):
                raise Refused(422, f"{kind!r} is no type of sync")
            acting.run(request, table, Run(update_type=kind, reason=reason.reason), caller)  # type: ignore[arg-type]
        case "pause":
            acting.pause(request, table, reason, caller)
        case "resume":
            acting.resume(request, table, reason, caller)
        case "cancel":
            acting.cancel(request, table, reason, caller)
        case "accept":
            if not caller.may("admin"):
                raise Refused(403, "this needs the scope 'admin'")
            acting.accept(request, table, reason, caller)
        case _:
            raise Refused(404, f"there is no action {action!r}")
    return RedirectResponse(f"/tables/{quote(table, safe='')}", status_code=303)


# ----------------------------------------------------------------------------------------- grid, sources


Hours = Annotated[int, Query(ge=6, le=168)]


@router.get("/grid")
def grid(request: Request, _caller: Reader, hours: Hours = 24) -> Response:
    """Tables by time: in which hour each was proved fresh."""
    found = view_of(request).now()
    return shared(request, found, lambda: _grid(request, found, hours))


def _grid(request: Request, found: Judgement, hours: int) -> str:
    ends, rows = _rows(view_of(request), found, hours)
    left_out = len(found.tables) - len(rows)
    drawn = [(table, Markup("").join(charts.CELLS[kind] for kind in kinds)) for table, kinds in rows]
    return written(request, "grid", found=found, rows=drawn, ends=ends, hours=hours, left_out=left_out)


def _rows(view: View, found: Judgement, hours: int) -> tuple[list[datetime], list[tuple[TableHealth, tuple[str, ...]]]]:
    """The ends of the stretches of time, the latest first, and what was so in them of each table, the worst first.

    They end at whole steps, but for that of now; so most of a row stays as it is for long.
    """
    step, rows = timedelta(hours=hours) / _COLUMNS, []
    last = found.at - ((found.at - _EVER) % step or step)
    ends = [found.at, *(last - place * step for place in range(_COLUMNS - 1))]
    for table in found.worst_first[:_GRID]:
        name = table.table_name
        proved = view.pieces.get(("proved", name), table.stamp, partial(_proved, view, found, table))
        before = view.pieces.get(("kinds", name, hours), (table.stamp, last), partial(_kinds, *proved, step, ends[1:]))
        rows.append((table, (*_kinds(*proved, found.at - last, ends[:1]), *before)))
    return ends, rows


def _proved(view: View, found: Judgement, table: TableHealth) -> tuple[list[tuple[datetime, datetime]], list[datetime]]:
    """When the last runs of a table proved it fresh, whenever one looks, and when those were started that failed."""
    log = view.service.workplace.cache.log
    updates = [] if found.unseen else log.history(table_name=table.table_name, limit=200)
    failed = [update.start_dt for update in updates if update.outcome is Outcome.FAILED]
    return charts.fresh_spans(updates, table.limit, _EVER, _NEVER), failed


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
                {"table_name": table.table_name, "state": str(table.state), "cells": list(kinds)}
                for table, kinds in rows
            ],
            "left_out": len(found.tables) - len(rows),
            "all": "/api/v1/tables",
        }
    )


@router.get("/sources")
def sources(request: Request, _caller: Reader) -> Response:
    """How the source systems stand, and which tables are read from them."""
    view = view_of(request)
    found = view.now()
    names = view.service.options.source_systems
    counts = {name: [t for t in found.tables if t.source_system == name] for name in names}
    return page(request, "sources", found=found, states=found.sources, configs=names, tables=counts)


@router.get("/sources.json")
def sources_json(request: Request, caller: Reader) -> Any:
    """The same as JSON."""
    return JSONResponse(reading.sources(request, caller))


# ------------------------------------------------------------------------------------------------- log in, files


@router.get("/login")
def login_page(request: Request) -> Response:
    """Where a browser gives its token."""
    return page(request, "login", refused="refused" in request.query_params)


@router.post("/login")
async def login(request: Request) -> Response:
    """Keeps a token that is known in a cookie of this site alone."""
    given = parse_qs((await request.body()).decode("utf-8", "replace")[:2_000]).get("token", [""])[0].strip()
    access = access_of(request)
    if access.caller_of(given) is None:
        return RedirectResponse("/login?refused", status_code=303)
    answer = RedirectResponse("/", status_code=303)
    secure = access.config.tls_certificate is not None or access.config.behind_proxy
    answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", secure=secure, max_age=30 * 86_400)
    return answer


@router.post("/logout")
def logout(request: Request) -> Response:
    """Forgets the token."""
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


_FILES = {"afresh.css": "text/css", "afresh.js": "text/javascript", "afresh.svg": "image/svg+xml"}
_CONTENTS = {name: (files("afresh.web") / name).read_bytes() for name in _FILES}
_TAGS = {name: f'"{hashlib.sha256(content).hexdigest()[:16]}"' for name, content in _CONTENTS.items()}


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """The style sheet, the script and the icon, which a browser asks for again only if they changed."""
    if name not in _FILES:
        raise Refused(404, f"there is no file {name!r}")
    headers = {"ETag": _TAGS[name], "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == _TAGS[name]:
        return Response(status_code=304, headers=headers)
    return Response(_CONTENTS[name], media_type=_FILES[name], headers=headers)
