"""The dashboard: pages made on the server, which can be read without JavaScript; each has a `.json` of the same.

Nothing is edited here, the file is the configuration; what can be done is what the commands can do, and each form
shows its command and its consequence first.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from afresh.core import phrases
from afresh.core.cause import Cause
from afresh.core.health import TableHealth
from afresh.core.judgement import Judgement
from afresh.core.states import LOOKS, State
from afresh.core.troubles import troubles
from afresh.web import charts, reading
from afresh.web.access import COOKIE, Reader, access_of
from afresh.web.health import view_of
from afresh.web.overview import NAMED, SORTS, TOLD, Choice, as_json, counted, headline, overview
from afresh.web.problems import Refused
from afresh.web.ready import key_of
from afresh.web.view import View

router = APIRouter(tags=["pages"], include_in_schema=False)

_STRIP = 30

_pages = Environment(loader=PackageLoader("afresh", "web"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _quoted(text: str) -> str:
    """As a part of an address."""
    return quote(text, safe="")


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


@lru_cache(maxsize=4_096)
def link(table_name: str) -> Markup:
    """The name of a table, which leads to its page."""
    return Markup('<a href="/tables/{}">{}</a>').format(_quoted(table_name), table_name)


@lru_cache
def shown(state: State) -> Markup:
    """A state: its sign, its word, and what it means."""
    look, span = LOOKS[state], '<span class="state {}" title="{}"><span aria-hidden="true">{}</span> {}</span>'
    return Markup(span).format(look.colour, look.meaning, look.glyph, state)  # noqa: S704 - format escapes


_pages.globals.update(LOOKS=LOOKS, State=State, Cause=Cause, charts=charts, quote=_quoted, link=link, shown=shown)

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


def part(name: str, **values: Any) -> Markup:
    """A part of a page, by the name of its template."""
    return Markup(_pages.get_template(f"{name}.html").render(**values))  # noqa: S704 - the template escapes


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
        cards=[_card(view, found, table) for table in tables.shown],
        folded=_folded(tables.folded, found.at),
        runs=_STRIP,
    )


def _card(view: View, found: Judgement, table: TableHealth) -> Markup:
    """A table, worded again when something of it or a word about its time has changed, and as long as a sync runs."""
    name = table.table_name

    def drawn() -> Markup:
        return part("card", found=found, table=table, strip=_strip(view, found, table))

    if table.running:
        return drawn()
    age = table.age_at(found.at)
    told = (phrases.span(age), charts.meter(age, table.limit), phrases.relative(table.right_by, found.at))
    return view.pieces.get(("card", name), (table, *told), drawn)


def _strip(view: View, found: Judgement, table: TableHealth) -> Markup:
    """The last runs of a table; drawn again when one has started or ended, and as long as one runs."""

    def drawn() -> Markup:
        log = view.service.workplace.cache.log
        return charts.strip([] if found.unseen else log.history(table_name=table.table_name, limit=_STRIP), found.at)

    return drawn() if table.running else view.pieces.get(("strip", table.table_name), table.stamp, drawn)


def _folded(tables: Sequence[TableHealth], now: datetime) -> Markup:
    """The names of fresh tables, each with its age; many, so they are not a template's."""
    items = (f"<li>{link(table.table_name)} {phrases.span(table.age_at(now))}</li>" for table in tables)
    return Markup("\n".join(items))  # noqa: S704 - links are escaped, ages are figures


@router.get("/now.json")
def now_json(request: Request, _caller: Reader, choice: Chosen) -> Response:
    """The same as JSON, of the tables that the same choice has."""
    return JSONResponse(as_json(view_of(request).now(), choice))


# --------------------------------------------------------------------------------------------------------- sources


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
