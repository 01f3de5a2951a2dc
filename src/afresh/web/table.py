"""The page of one table: how it stands, what its syncs did, its columns and settings, and what can be asked for it.

Each form of it shows its command and its consequence first. What of the page rests on the syncs alone is drawn when one
has started or ended, whoever looks in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from markupsafe import Markup

from afresh import wiring
from afresh.config import effective
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.model import DataUpdate, Outcome, Phase
from afresh.core.sentences import evidence
from afresh.web import acting, charts, columns, reading
from afresh.web.access import Operator, Reader
from afresh.web.acting import Reason, Run
from afresh.web.health import view_of
from afresh.web.pages import part, shared, written
from afresh.web.problems import Refused
from afresh.web.view import View

router = APIRouter(tags=["pages"], include_in_schema=False)

_DAYS = 30
_RUNS, _CHARTED, _MOST_UPDATES = 30, 200, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """What a table's syncs say, whenever one looks: when the first that is known began, when its data was proved
    fresh, and the pictures and the list of the last."""

    began: datetime | None
    fresh: Sequence[tuple[datetime, datetime]]
    durations: Markup
    rows: Markup
    runs: Markup


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
    seen, options = view.service.workplace.schemas.of(table), view.service.options
    drawn = view.pieces.get(("drawn", table), (judged.stamp, judged.limit), lambda: _drawn(view, judged))
    since = _known_since(drawn.began, found.at)
    return written(
        request,
        "table",
        found=found,
        table=judged,
        told=found.told(judged),
        evidence=(*evidence(judged), *(lookback.said for lookback in view.lookbacks(judged))),
        timeline=charts.timeline(drawn.fresh, since or found.at - timedelta(days=_DAYS), found.at),
        since=since,
        days=_DAYS,
        drawn=drawn,
        seen=seen,
        columns=[] if seen is None else columns.listed(seen.schema),
        drift=[] if seen is None else columns.told(seen),
        configured=view.pieces.get(
            ("configured", table),
            (options,),
            lambda: part("configured", configured=effective.of_table(options, table, wiring.KINDS)),
        ),
        scope=scope,
    )


def _drawn(view: View, judged: TableHealth) -> _Drawn:
    updates = view.updates(judged, _MOST_UPDATES)
    ended = [update for update in reversed(updates) if update.outcome is Outcome.SUCCEEDED and update.end_dt]
    charted = ended[-_CHARTED:]
    return _Drawn(
        began=min((update.start_dt for update in updates), default=None),
        fresh=charts.fresh_spans(updates, judged.limit),
        durations=charts.line([(u.start_dt, _seconds(u)) for u in charted], "Duration of successful syncs", "s"),
        rows=charts.line([(u.start_dt, float(u.number_records)) for u in charted], "Rows read", "rows"),
        runs=part("runs", updates=updates[:_RUNS], phases=list(Phase)),
    )


def _known_since(began: datetime | None, now: datetime) -> datetime | None:
    """When the first sync that is known began, if that is not as long ago as the page looks back. Where there may be
    more syncs than were asked for, the page looks back to the first of those."""
    return began if began is not None and began > now - timedelta(days=_DAYS) else None


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
