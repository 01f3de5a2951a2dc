"""The dashboard in a real browser: what it looks like to eyes, keyboards, and machines that read it aloud."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.engine.rig import Rig, item, make_rig, release_all
from tests.web.states_rig import (
    CAN_BROWSE,
    CANNOT,
    CATCHING_UP,
    DUE,
    EVIL,
    FRESH,
    LATE,
    LONG,
    NEVER,
    NOWHERE,
    OFF,
    PAGES,
    PAUSED,
    STOPPED,
    SYNCING,
    TABLES,
    WRONG_TIME,
    axe_violations,
    chromium,
    page_of,
    row_of,
    serving,
    standing,
)

from afresh.core.health import judge
from afresh.core.model import UpdateType
from afresh.web.server import Server

pytestmark = [pytest.mark.skipif(not CAN_BROWSE, reason=CANNOT), pytest.mark.timeout(120)]

WIDTHS = (360, 768, 1440)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Rig, Server]]:
    """One cache in all its states, which no test changes."""
    with standing() as found:
        yield found
    release_all()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory for a cache; its service ends with the last test, for one ending ends the others' too."""
    return tmp_path


@contextmanager
def opened(browser: Any, base: str, *, live: bool = True, **settings: Any) -> Iterator[Any]:
    """A page in a context of its own; not live, it hears of nothing and stays as it was sent."""
    context = browser.new_context(base_url=base, **settings)
    context.set_default_timeout(15_000)
    if not live:
        context.route("**/api/v1/events", lambda route: route.abort())
    try:
        yield context.new_page()
    finally:
        context.close()


def look_at(page: Any, path: str) -> list[str]:
    """What is wrong with a page in light and dark at every width."""
    wrong = []
    page.goto(path)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        wrong += [f"{path} at {width}: {over} pixels too wide"] if over > 0 else []
        page.emulate_media(color_scheme="light")
        wrong += [f"{path} at {width}: {found}" for found in axe_violations(page)]
        page.emulate_media(color_scheme="dark")  # which changes colours, and nothing else
        wrong += [f"{path} at {width}, dark: {found}" for found in axe_violations(page, "color-contrast")]
    return wrong


def test_the_tables_stand_as_they_are_called(site: tuple[Rig, Server]) -> None:
    """What is looked at below is in the states that it should be in."""
    found = {table.table_name: str(table.state) for table in judge(site[0].service.facts())}
    assert found == {
        FRESH: "Fresh",
        DUE: "Due",
        SYNCING: "Syncing",
        LATE: "Late",
        STOPPED: "Stopped",
        PAUSED: "Paused",
        CATCHING_UP: "Catching up",
        NEVER: "Never loaded",
        OFF: "Disabled",
        EVIL: "Fresh",
        LONG: "Fresh",
    }


@pytest.mark.parametrize("path", [*PAGES, WRONG_TIME, NOWHERE, *map(page_of, TABLES)])
def test_pages_can_be_read_by_everybody(browser: Any, site: tuple[Rig, Server], path: str) -> None:
    """No page, with a table in any state, is wider than its window or wrong by axe: light and dark, narrow and wide."""
    with opened(browser, site[1].url, live=False) as page:
        assert look_at(page, path) == []


@pytest.mark.parametrize("path", ["/", "/grid", "/history", page_of(STOPPED)])
def test_pages_can_be_printed(browser: Any, site: tuple[Rig, Server], path: str) -> None:
    """On paper all is dark on light whatever the screen is like, nothing is cut off to be scrolled to, and what is
    folded is there."""
    with opened(browser, site[1].url, live=False) as page:
        page.goto(path)
        page.emulate_media(media="print", color_scheme="dark")
        assert axe_violations(page, "color-contrast") == []
        assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        ways = "() => [...document.querySelectorAll('.scroll')].map((one) => getComputedStyle(one).overflowX)"
        assert set(page.evaluate(ways)) <= {"visible"}
        if path == "/":
            assert page.locator("details.folded a").first.is_visible()


@pytest.mark.parametrize("path", ["/", "/grid", "/sources", "/history", page_of("Item")])
def test_without_a_cache_the_pages_stay_readable(browser: Any, directory: Path, path: str) -> None:
    """A cache that cannot be asked is said so on pages that are as good as the others."""
    rig = make_rig(directory, rows=[item(1)])
    (directory / "cache.db").write_bytes(b"this is no database" * 100)
    with serving(rig) as server, opened(browser, server.url, live=False) as page:
        assert look_at(page, path) == []
        page.goto("/")
        assert "Nobody can tell" in page.inner_text("h1")


def test_without_javascript_everything_can_be_read(browser: Any, site: tuple[Rig, Server]) -> None:
    """Every page says what it has to say, and details open, where scripts are not run."""
    with opened(browser, site[1].url, java_script_enabled=False) as page:
        page.goto("/")
        assert "stopped" in page.inner_text("h1")
        assert "column 'Name' is gone" in page.inner_text("main")
        page.click("summary:has-text('fresh tables')")
        assert page.locator("details.folded >> text=IsFresh").is_visible()
        page.click(f"text={STOPPED} >> nth=0")
        assert "schema changed" in page.inner_text("main")
        for path, word in (("/grid", STOPPED), ("/sources", "ERP"), ("/history", "is gone")):
            page.goto(path)
            assert word in page.inner_text("main")
        page.fill("input[name=since]", "today")
        page.press("input[name=since]", "Enter")
        page.wait_for_url("**since=today**")
        assert page.input_value("input[name=since]") == "today"
        assert "neither a day nor a time" in page.inner_text("[role=alert]")
        page.fill("input[name=since]", "2026-03-02 10:00")
        page.fill("input[name=until]", "2026-03-02")
        page.click("button:has-text('Show')")
        page.wait_for_url("**until=2026-03-02")
        assert "from 2026-03-02 10:00:00Z on, and before 2026-03-03 00:00:00Z" in page.inner_text("main")
        started = page.locator("td.when").all_inner_texts()
        assert started
        assert min(started) >= "2026-03-02 10:00:00Z"


def test_a_name_like_an_attack_is_harmless(browser: Any, site: tuple[Rig, Server]) -> None:
    """No page runs it, makes an image of it, or asks another host for anything."""
    asked, dialogs, errors = list[str](), list[str](), list[str]()

    def dismissed(dialog: Any) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    with opened(browser, site[1].url) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", dismissed)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        for path in (*PAGES, page_of(EVIL), f"/history?table={page_of(EVIL).removeprefix('/tables/')}"):
            page.goto(path)
            page.wait_for_timeout(400)
            assert page.locator("img").count() == 0
        page.goto(page_of(EVIL))
        assert page.inner_text("h1") == EVIL
    assert dialogs == []
    assert errors == []
    assert {url for url in asked if not url.startswith(site[1].url)} == set()


def tab_to(page: Any, selector: str, most: int = 60) -> None:
    """Presses the tab key until what has the focus is that."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


def test_by_keyboard_alone(browser: Any, directory: Path) -> None:
    """Skip to the content, filter, open a fold, go to a table, and pause it with a reason: without a pointer."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.note_check()
    rig.sync(UpdateType.MASS)
    with serving(rig) as server, opened(browser, server.url) as page:
        page.goto("/")
        page.wait_for_timeout(800)
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.className") == "skip"
        assert page.locator(".skip").is_visible()
        page.keyboard.press("Enter")
        assert page.evaluate("() => document.activeElement.id") == "main"
        tab_to(page, "input[name=q]")
        page.keyboard.type("It")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=It*")
        tab_to(page, "details.folded > summary")
        page.keyboard.press("Enter")
        tab_to(page, "details.folded a")
        assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url("**/tables/Item")
        tab_to(page, "summary:has(+ p + p + form[action$=pause])")
        page.keyboard.press("Enter")
        tab_to(page, "form[action$=pause] input[name=reason]")
        page.keyboard.type("stocktaking")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Paused")
        assert "stocktaking" in page.inner_text("main")
    assert [action.reason for action in rig.cache.actions.recent()] == ["stocktaking"]


def test_what_changes_is_seen_within_three_seconds(browser: Any, directory: Path) -> None:
    """A sync that ends, and a pause made elsewhere, show on the open page; what was unfolded stays so."""
    rig = make_rig(directory, rows=[item(1)])
    rig.service.recover()
    rig.service.note_check()
    with serving(rig) as server, opened(browser, server.url) as page:
        page.goto("/")
        page.wait_for_timeout(1000)
        assert "never loaded" in page.inner_text("h1")
        rig.sync(UpdateType.MASS)
        page.wait_for_selector("h1:has-text('within its limit')", timeout=3000)
        page.click("details.folded > summary")
        rig.cache.log.start(row_of(rig, "Item", "runs"))
        page.wait_for_selector(".state:has-text('Syncing')", timeout=3000)


def test_a_lost_link_is_shown_within_ten_seconds(browser: Any, directory: Path) -> None:
    """When the service is gone, the page says that it may be old, and says it well."""
    rig = make_rig(directory, rows=[item(1)])
    with serving(rig) as server, opened(browser, server.url) as page:
        page.goto("/")
        page.wait_for_timeout(1000)
        assert not page.locator("#link").is_visible()
        server.stop()
        page.wait_for_selector("#link", state="visible", timeout=10_000)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe_violations(page) == []
