"""The dashboard as it is sent: what it says, what it does, and that no name in it becomes markup."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.engine.rig import item, table_config
from tests.web.web_rig import WebRig, tokens, web_rig

from afresh.core.errors import SourceUnavailable
from afresh.core.model import SourceInstant, UpdateType
from afresh.core.options import WebConfig
from afresh.testing.clock import START
from afresh.web import charts

EVIL = "<img src=x onerror=alert(1)>"
PAGES = ("/", "/grid", "/sources", "/history", "/login", "/tables/Item", "/?show=all", "/?state=Fresh&sort=age&q=i")


def text(found: WebRig, path: str, status: int = 200, **arguments: Any) -> str:
    """The page of that path."""
    answer = found.client.get(path, headers={"Accept": "text/html"}, **arguments)
    assert answer.status_code == status, answer.text
    return str(answer.text)


def loaded(found: WebRig) -> None:
    """A table that was synced under a service that runs."""
    found.rig.service.recover()
    found.rig.service.note_check()
    found.rig.sync(UpdateType.MASS)
    found.rig.clock.advance(timedelta(seconds=3))
    found.app.state.view.forget()


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_whole(directory: Path, path: str) -> None:
    """Each page has one heading, a main part and no script or style of its own, with data and without."""
    with web_rig(directory) as found:
        for _ in range(2):
            html = text(found, path)
            assert html.count("<h1") == 1
            assert '<main id="main"' in html
            assert not re.search(r"<script(?! src=)|<style| style=| on[a-z]+=", html)
            assert "http://" not in html.replace("http://www.w3.org", "")
            loaded(found)


def test_the_headline_says_how_things_stand(directory: Path) -> None:
    """All is well, or what is not, in one sentence; the fresh ones are folded."""
    with web_rig(directory) as found:
        assert "never loaded" in text(found, "/")
        loaded(found)
        html = text(found, "/")
        assert "The one table is within its limit." in html
        assert "1 fresh table<" in html
        found.rig.clock.advance(timedelta(days=4))
        found.app.state.view.forget()
        assert "unhealthy" in text(found, "/")


def test_names_never_become_markup(directory: Path) -> None:
    """A table that is called like an attack is only ever text, on every page and in badges."""
    configs = [table_config(EVIL)]
    with web_rig(directory, configs=configs) as found:
        found.rig.sync(UpdateType.MASS, EVIL)
        found.app.state.view.forget()
        for path in ("/", "/?show=all", "/grid", "/sources", "/history"):
            html = text(found, path)
            assert "<img" not in html
        page = found.client.get("/tables/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
        assert page.status_code == 200
        assert "<img" not in page.text
        assert "<img" not in found.client.get("/badge/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E.svg").text


def test_forms_do_what_they_say(directory: Path) -> None:
    """Pausing and resuming from the page work without JavaScript, and are in the audit log."""
    with web_rig(directory) as found:
        loaded(found)
        answer = found.client.post("/tables/Item/pause", content="reason=stocktaking", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/tables/Item")
        html = text(found, "/tables/Item")
        assert "Paused" in html
        assert "stocktaking" in html
        assert "afresh resume Item" in html
        found.client.post("/tables/Item/resume", content="")
        assert "Paused" not in text(found, "/tables/Item")
        assert found.client.post("/tables/Item/explode", content="").status_code == 404
        assert found.client.post("/tables/Item/run", content="update_type=Weekly").status_code == 422


def test_a_browser_without_a_token_is_asked_for_one(directory: Path) -> None:
    """It is led to the form, a wrong token is refused there, a right one opens the pages and is kept from scripts."""
    with web_rig(directory, WebConfig(tokens=tokens())) as found:
        answer = found.client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
        assert answer.headers["location"] == "/login"
        refused = found.client.post("/login", content="token=wrong", follow_redirects=False)
        assert refused.headers["location"] == "/login?refused"
        let_in = found.client.post("/login", content="token=token-of-reader", follow_redirects=False)
        cookie = let_in.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "This token may only look" in text(found, "/tables/Item")
        assert found.client.post("/tables/Item/pause", content="").status_code == 403
        found.client.post("/logout")
        assert found.client.get("/now.json").status_code == 401


def test_problems_are_pages_for_browsers(directory: Path) -> None:
    """Who looks at pages reads what went wrong and the way out; who asks for JSON gets it as such."""
    browser = {"Accept": "text/html,application/xhtml+xml"}
    with web_rig(directory) as found:
        for path, status in (("/tables/Itm", 404), ("/nowhere", 404), ("/grid?hours=9999", 422)):
            shown = found.client.get(path, headers=browser)
            assert (shown.status_code, shown.headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert "<h1" in shown.text
            assert "<script" not in shown.text  # it does not change, so nothing is listened to
            assert found.client.get(path).headers["content-type"] == "application/problem+json"
        assert "There are: Item." in found.client.get("/tables/Itm", headers=browser).text
        said = found.client.post("/tables/Item/cancel", content="", headers=browser)
        assert (said.status_code, "No sync of Item is running." in said.text) == (409, True)
        for path in ("/tables/Itm.json", "/api/v1/tables/Itm", "/badge/Itm.svg"):
            assert found.client.get(path, headers=browser).headers["content-type"] == "application/problem+json"


def test_one_sync_has_a_page(directory: Path) -> None:
    """How it ended, why it ran, its plan, where its time went and its lines in the log; the same as JSON."""
    with web_rig(directory) as found:
        loaded(found)
        for event in found.rig.events:
            found.live(event)
        (update,) = found.rig.history()
        html = text(found, f"/updates/{update.operation_id}")
        for part in ("succeeded", "Plan", "sync succeeded", "merge", f"/updates/{update.operation_id}.json"):
            assert part in html
        told = found.get(f"/updates/{update.operation_id}.json")
        assert told == found.get(f"/api/v1/updates/{update.operation_id}")
        assert told["log"][-1]["text"] == "sync succeeded"
        assert f'href="/updates/{update.operation_id}"' in text(found, "/history")
        assert f'href="/updates/{update.operation_id}"' in text(found, "/tables/Item")
        assert found.client.get("/updates/nothing").status_code == 404


def test_head_is_answered_as_get_is(directory: Path) -> None:
    """Monitors that ask for the head alone get the same status and headers, and no body."""
    with web_rig(directory) as found:
        for path in ("/", "/livez", "/health", "/freshness?table=Item", "/nowhere", "/static/afresh.css"):
            whole, head = found.client.get(path), found.client.head(path)
            assert (head.status_code, head.content) == (whole.status_code, b"")
            assert head.headers["content-type"] == whole.headers["content-type"]


def test_who_logged_in_may_log_out(directory: Path) -> None:
    """Where tokens are asked for, each page has a way to give it back; elsewhere there is nothing to give."""
    with web_rig(directory, WebConfig(tokens=tokens())) as found:
        found.client.post("/login", content="token=token-of-reader")
        assert 'action="/logout"' in text(found, "/")
    with web_rig(directory) as found:
        assert 'action="/logout"' not in text(found, "/")


def test_downloads(directory: Path) -> None:
    """The same as JSON and CSV; what a spreadsheet would run is made harmless."""
    with web_rig(directory, configs=[table_config("=1+1")]) as found:
        found.rig.sync(UpdateType.MASS, "=1+1")
        assert found.get("/history.json")["updates"][0]["table_name"] == "=1+1"
        lines = found.client.get("/history.csv").text.splitlines()
        assert lines[0].startswith("table_name,")
        assert lines[1].startswith('"\'=1+1"')
        assert found.get("/now.json")["headline"]


def test_files_are_asked_for_once(directory: Path) -> None:
    """The style sheet and the script have tags by which a browser knows that it has them."""
    with web_rig(directory) as found:
        answer = found.client.get("/static/afresh.js")
        assert "EventSource" in answer.text
        again = found.client.get("/static/afresh.js", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert found.client.get("/static/app.py").status_code == 404


def test_the_timeline_shows_what_was_proved(directory: Path) -> None:
    """Fresh from the end of a success until its data is older than the limit; nothing else is."""
    with web_rig(directory, rows=[item(1)]) as found:
        found.rig.sync(UpdateType.MASS)
        found.rig.clock.advance(timedelta(hours=10))
        found.rig.sync(UpdateType.DAILY)
        updates = found.rig.history()
        now = START + timedelta(hours=20)
        spans = charts.fresh_spans(updates, timedelta(hours=2), START - timedelta(hours=1), now)
        assert [(begin - START, end - START) for begin, end in spans] == [
            (timedelta(0), timedelta(hours=2)),
            (timedelta(hours=10), timedelta(hours=12)),
        ]
        assert charts.fresh_spans(updates, None, START, now) == []


def test_the_timeline_of_a_new_table_begins_with_its_first_sync(directory: Path) -> None:
    """A table that is known for ten hours is not shown as thirty days of which nothing is proved."""
    with web_rig(directory, rows=[item(1)]) as found:
        found.rig.sync(UpdateType.MASS)
        found.rig.clock.advance(timedelta(hours=10))
        found.app.state.view.forget()
        assert "Since the first sync that is known" in found.client.get("/tables/Item").text
        found.rig.clock.advance(timedelta(days=31))
        found.app.state.view.forget()
        assert "The last 30 days" in found.client.get("/tables/Item").text


def test_the_grid_begins_with_the_latest(directory: Path) -> None:
    """What is so now stands where nobody has to scroll to see it; what was so at whole hours moves on with them."""
    with web_rig(directory, rows=[item(1)]) as found:

        def cells(after: timedelta) -> list[str]:
            found.rig.clock.advance(after)
            found.app.state.view.forget()
            return re.findall(r'<td class="(fresh|late|failed)">', found.client.get("/grid").text)

        found.rig.clock.advance(timedelta(minutes=1))
        found.rig.sync(UpdateType.MASS)
        assert cells(timedelta(seconds=1)) == ["fresh", *["late"] * 23]
        assert cells(timedelta(minutes=58)) == ["fresh", *["late"] * 23]
        assert cells(timedelta(minutes=2)) == ["fresh", "fresh", *["late"] * 22]
        found.rig.source.fail_after = (0, SourceUnavailable("the source is away"))
        found.rig.sync(UpdateType.DAILY)
        assert cells(timedelta(seconds=1))[:2] == ["failed", "fresh"]
        assert cells(timedelta(hours=2))[:4] == ["late", "late", "failed", "fresh"]


def test_how_long_a_source_took_is_told_in_words(directory: Path) -> None:
    """When a sync last asked; a later one that could not ask changes nothing. Page and API say the same."""
    with web_rig(directory, rows=[item(1)]) as found:

        def asked() -> tuple[str, object]:
            found.rig.clock.advance(timedelta(seconds=2))
            found.app.state.view.forget()
            page = found.client.get("/sources").text
            (told,) = re.findall(r"<dt>Latency</dt><dd>([^<]*)</dd>", page)
            return told, found.get("/api/v1/sources")["sources"][0]["latency"]

        assert asked() == ("-", None)
        took = SourceInstant(now=found.rig.clock.now(), took=timedelta(milliseconds=41.5))
        found.rig.source.clock = lambda: took  # type: ignore[method-assign]
        found.rig.sync(UpdateType.MASS)
        assert asked() == ("42 ms to connect and be told its clock, when a sync last asked", 0.0415)
        found.rig.source.clock = _away  # type: ignore[method-assign]
        found.rig.sync(UpdateType.DAILY)
        assert asked()[1] == 0.0415
        assert "no</span>, for the last sync" in found.client.get("/sources").text


def _away() -> SourceInstant:
    raise SourceUnavailable("the source is away")


def test_a_source_is_reachable_if_the_last_sync_reached_it(directory: Path) -> None:
    """Told from the log alone; before the first sync nobody knows."""
    with web_rig(directory, rows=[item(1)]) as found:
        assert found.get("/api/v1/sources")["sources"][0]["reachable"] is None
        found.rig.sync(UpdateType.MASS)
        found.rig.clock.advance(timedelta(seconds=2))
        found.app.state.view.forget()
        assert found.get("/api/v1/sources")["sources"][0]["reachable"] is True
        found.rig.source.fail_after = (0, SourceUnavailable("the source is away"))
        found.rig.sync(UpdateType.DAILY)
        found.rig.clock.advance(timedelta(seconds=2))
        found.app.state.view.forget()
        assert found.get("/api/v1/sources")["sources"][0]["reachable"] is False
        assert "no</span>, for the last sync" in found.client.get("/sources").text
