"""The page of what ran: by table, outcome and time, with the same as JSON and CSV."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from markupsafe import Markup

from afresh.core import account
from afresh.core.judgement import Judgement
from afresh.core.model import DataUpdate, Outcome
from afresh.core.moments import Between, NotASpan, between
from afresh.web import reading
from afresh.web.access import Reader
from afresh.web.health import view_of
from afresh.web.pages import Search, part, shared, written

router = APIRouter(tags=["pages"], include_in_schema=False)

_ON_A_PAGE = 50
_IN_A_FILE = 500


class Asked:
    """What the form of the page says, as it was typed."""

    def __init__(
        self,
        table: Search = "",
        outcome: Search = "",
        since: Search = "",
        until: Search = "",
        before: reading.Before = None,
    ) -> None:
        self.table, self.outcome, self.since, self.until = table, outcome, since, until
        self.before = before

    def link(self, **more: object) -> str:
        """The query of an address that asks for the same, and for more."""
        kept = {"table": self.table, "outcome": self.outcome, "since": self.since, "until": self.until, **more}
        return urlencode({name: value for name, value in kept.items() if value})


Form = Annotated[Asked, Depends()]


@router.get("/history")
def history(request: Request, _caller: Reader, asked: Form) -> Response:
    """Syncs, latest first, by table, outcome and time."""
    found = view_of(request).now()
    try:
        span = between(asked.since, asked.until)
    except NotASpan as wrong:
        return HTMLResponse(_page(request, found, asked, Between(), [], wrong), status_code=422)
    return shared(request, found, lambda: _history(request, found, asked, span))


def _history(request: Request, found: Judgement, asked: Asked, span: Between) -> str:
    wanted = Outcome(asked.outcome) if asked.outcome in [str(one) for one in Outcome] else None
    rows = [] if found.unseen is not None else _rows(request, asked, wanted, span, _ON_A_PAGE)
    return _page(request, found, asked, span, rows, None)


def _page(
    request: Request, found: Judgement, asked: Asked, span: Between, rows: list[DataUpdate], wrong: NotASpan | None
) -> str:
    return written(
        request,
        "history",
        found=found,
        rows=[_row(request, update) for update in rows],
        asked=asked,
        span=span,
        wrong=wrong,
        outcomes=[str(one) for one in Outcome],
        older="?" + asked.link(before=rows[-1].sequence) if len(rows) == _ON_A_PAGE else "",
    )


def _row(request: Request, update: DataUpdate) -> Markup:
    """A sync in the list; worded again when it has ended."""
    stamp = (update.outcome, update.end_dt)
    return view_of(request).pieces.get(("ran", update.operation_id), stamp, lambda: part("ran", update=update))


def _rows(request: Request, asked: Asked, outcome: Outcome | None, span: Between, limit: int) -> list[DataUpdate]:
    log = view_of(request).service.workplace.cache.log
    found = log.history(
        table_name=asked.table or None,
        outcome=outcome,
        since=span.since,
        until=span.until,
        before=asked.before,
        limit=limit,
    )
    return list(found)


@router.get("/history.json")
def history_json(
    request: Request,
    caller: Reader,
    table: Search = "",
    outcome: Outcome | None = None,
    since: reading.Since = None,
    until: reading.Until = None,
    before: reading.Before = None,
) -> Any:
    """The same as JSON, 500 rows at a time: `next_before` asks for the next."""
    return JSONResponse(reading.updates(request, caller, table or None, outcome, since, until, before, _IN_A_FILE))


@router.get("/history.csv")
def history_csv(request: Request, _caller: Reader, asked: Form, outcome: Outcome | None = None) -> Response:
    """The same as CSV, 500 rows at a time: the header `Link` has the address of the next. A text that a spreadsheet
    would run begins with an apostrophe."""
    found = _rows(request, asked, outcome, reading.span(asked.since, asked.until), _IN_A_FILE)
    rows = [account.of_update(update) for update in found]
    names = [name for name in rows[0] if name != "details"] if rows and isinstance(rows[0], dict) else []
    lines = [",".join(names), *(",".join(_csv(row[name]) for name in names) for row in rows if isinstance(row, dict))]
    answer = Response("\r\n".join(lines) + "\r\n", media_type="text/csv")
    if len(found) == _IN_A_FILE:
        answer.headers["Link"] = f'</history.csv?{asked.link(before=found[-1].sequence)}>; rel="next"'
    return answer


def _csv(value: object) -> str:
    text = "" if value is None else str(value)
    if isinstance(value, str) and text[:1] in "=+-@\t\r":
        text = "'" + text
    return '"' + text.replace('"', '""') + '"'
