"""A served cache whose tables stand in every way they can, and a browser that looks at it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.engine.rig import Rig, item, make_rig, table_config

from afresh.core.actions import Action, ActionKind
from afresh.core.cause import Cause
from afresh.core.model import FAILED_RECORDS, Completion, DataUpdate, Outcome, UpdateType
from afresh.core.options import SourceSystemConfig, WebConfig
from afresh.sinks.tee import tee
from afresh.web.live import Live
from afresh.web.server import Server, serve

EVIL = "<img src=x onerror=alert(1)>"
LONG = "A_table_with_a_name_that_is_much_longer_than_a_telephone_is_wide_" * 2
FRESH, DUE, SYNCING, LATE, STOPPED = "IsFresh", "IsDue", "IsSyncing", "IsLate", "IsStopped"
PAUSED, CATCHING_UP, NEVER, OFF = "IsPaused", "IsCatchingUp", "IsNever", "IsOff"
TABLES = (FRESH, DUE, SYNCING, LATE, STOPPED, PAUSED, CATCHING_UP, NEVER, OFF, EVIL, LONG)
PAGES = (
    "/",
    "/?show=all",
    "/grid",
    "/sources",
    "/history",
    "/history?since=2026-01-01&until=2026-12-31",
    "/login?refused",
    "/updates/runs",
)
NOWHERE = "/tables/Nowhere"
WRONG_TIME = "/history?since=yesterday&table=IsFresh"

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CANNOT = "Chromium or its driver is not installed here: nothing was looked at in a browser"
CAN_BROWSE = CHROMIUM is not None and find_spec("playwright") is not None
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
)


def page_of(table: str) -> str:
    """The path of a table's page."""
    return f"/tables/{quote(table, safe='')}"


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, with a profile of its own that is gone afterwards."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Any, *rules: str) -> list[str]:
    """What axe finds wrong with the page as it is now; the page's own policy lets no script of others be loaded, so
    it is evaluated from outside. With `rules`, only those are looked at."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        "rules => axe.run(document, {resultTypes: ['violations'], ...(rules.length ? {runOnly: rules} : {})})",
        list(rules),
    )
    return [
        f"{wrong['id']}: {node['html'][:160]}: {node['failureSummary'][:300]}"
        for wrong in found["violations"]
        for node in wrong["nodes"][:3]
    ]


@contextmanager
def serving(rig: Rig, config: WebConfig | None = None) -> Iterator[Server]:
    """The web interface of that service, on a free port."""
    live = Live()
    object.__setattr__(rig.service.workplace, "emit", tee(rig.events.append, live))
    server = serve(rig.service, config or WebConfig(), live)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def standing() -> Iterator[tuple[Rig, Server]]:
    """A table in each state, a table called like an attack, one with a long name; each page has something to show."""
    with tempfile.TemporaryDirectory() as directory:
        rig = make_rig(
            Path(directory),
            [table_config(name, is_enabled=name != OFF) for name in TABLES],
            rows=[item(number) for number in range(5)],
            source_systems={"ERP": SourceSystemConfig(kind="memory", max_sessions=4)},
        )
        rig.service.recover()
        _history(rig)
        with serving(rig) as server:
            yield rig, server
        rig.service.release()


def _history(rig: Rig) -> None:
    """Days of syncs, and at their end a table in each state."""
    shows = (FRESH, DUE, SYNCING, STOPPED, PAUSED, CATCHING_UP, EVIL, LONG)
    for name in (*shows, LATE):
        rig.sync(UpdateType.MASS, name)
    for _ in range(8):
        rig.clock.advance(timedelta(minutes=55))
        for name in shows:
            rig.sync(UpdateType.HOURLY, name)
    rig.clock.advance(timedelta(minutes=35))
    rig.sync(UpdateType.HOURLY, DUE)
    rig.clock.advance(timedelta(minutes=35))
    for name in (FRESH, SYNCING, STOPPED, EVIL, LONG):
        rig.sync(UpdateType.HOURLY, name)
    for number in range(3):
        failed(rig, STOPPED, Cause.SCHEMA_CHANGED, f"{STOPPED}: column 'Name' is gone ({number})")
    rig.clock.advance(timedelta(minutes=2))
    rig.cache.log.start(row_of(rig, SYNCING, "runs"))
    rig.cache.actions.record(
        Action(at=rig.clock.now(), who="anna", kind=ActionKind.PAUSE, table_name=PAUSED, reason="stocktaking")
    )
    rig.clock.advance(timedelta(minutes=25))
    for name in (FRESH, EVIL, LONG):
        rig.sync(UpdateType.HOURLY, name)
    failed(rig, CATCHING_UP, Cause.SOURCE_SLOW, f"{CATCHING_UP}: the source did not answer within 30 seconds")
    rig.service.note_check()
    rig.clock.advance(timedelta(seconds=3))


def failed(rig: Rig, table: str, cause: Cause, message: str) -> None:
    """A sync of the table that failed with that cause a minute after its start."""
    update = row_of(rig, table, f"{table}-{rig.clock.now():%H%M%S}-{message}")
    rig.cache.log.start(update)
    rig.clock.advance(timedelta(seconds=20))
    rig.cache.log.complete(
        Completion(
            operation_id=update.operation_id,
            end_dt=rig.clock.now(),
            outcome=Outcome.FAILED,
            number_records=FAILED_RECORDS,
            error_message=message,
            cause=cause,
        )
    )


def row_of(rig: Rig, table: str, operation_id: str) -> DataUpdate:
    """A sync of the table that began now and runs."""
    return DataUpdate(
        table_name=table,
        source_system="ERP",
        update_type=UpdateType.HOURLY,
        operation_id=operation_id,
        instance_id=rig.service.workplace.instance_id,
        start_dt=rig.clock.now(),
        reason="due",
    )
