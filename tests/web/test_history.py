"""What ran in a span of time: on the page, as JSON and CSV, and in the API."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.web.web_rig import WebRig, web_rig

from afresh.core.model import UpdateType
from afresh.testing.clock import START
from afresh.web import history

SPAN = {"since": "2026-03-02 02:02-06:00", "until": "2026-03-02 08:05"}


@pytest.fixture
def web(directory: Path) -> Iterator[WebRig]:
    """One table, synced in each of seven minutes."""
    with web_rig(directory) as found:
        for _ in range(7):
            found.rig.sync(UpdateType.DAILY)
            found.rig.clock.advance(timedelta(minutes=1))
        yield found


def minutes(starts: list[str]) -> list[float]:
    """The minutes after the first sync."""
    return [(datetime.fromisoformat(start) - START) / timedelta(minutes=1) for start in starts]


def test_the_same_everywhere(web: WebRig) -> None:
    """Page, JSON, CSV and API find what started in the span, its beginning included and its end not."""
    for path in ("/history.json", "/api/v1/updates"):
        found = web.get(path, params=SPAN)["updates"]
        assert minutes([update["start_dt"] for update in found]) == [4, 3, 2]
    lines = web.client.get("/history.csv", params=SPAN).text.splitlines()
    assert [line.split(",")[5] for line in lines[1:]] == [f'"2026-03-02T08:0{n}:00.000000Z"' for n in (4, 3, 2)]
    page = web.client.get("/history", params=SPAN).text
    assert re.findall(r">2026-03-02 08:0(\d):00Z</a></td>", page) == ["4", "3", "2"]
    assert "2026-03-02 08:02:00Z</time> on, and before" in page
    for link in re.findall(r'href="(/history\.\w+\?[^"]+)"', page):
        assert parse_qs(urlsplit(link.replace("&amp;", "&")).query) == {name: [text] for name, text in SPAN.items()}


def test_pages_keep_the_span(web: WebRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older and older until the span is over: each row once, by links that anybody can follow."""
    monkeypatch.setattr(history, "_ON_A_PAGE", 2)
    monkeypatch.setattr(history, "_IN_A_FILE", 2)
    seen, path = [], "/history?table=Item&since=2026-03-02T08:01Z&until=2026-03-02T08:06Z"
    while path:
        page = web.client.get(path).text
        seen += re.findall(r">2026-03-02 08:0(\d):00Z</a></td>", page)
        assert 'value="2026-03-02T08:01Z"' in page
        older = re.search(r'<a href="(\?[^"]+)" rel="next">', page)
        path = f"/history{older[1].replace('&amp;', '&')}" if older else ""
    assert seen == ["5", "4", "3", "2", "1"]
    answer, read = web.client.get("/history.csv?since=2026-03-02&until=2026-03-02"), 0
    while "next" in answer.links:
        read += len(answer.text.splitlines()) - 1
        answer = web.client.get(answer.links["next"]["url"])
    assert read + len(answer.text.splitlines()) - 1 == 7
    first = web.get("/history.json?since=2026-03-02&until=2026-03-02")
    assert minutes([update["start_dt"] for update in first["updates"]]) == [6, 5]
    rest = web.get(f"/api/v1/updates?since=2026-03-02&before={first['next_before']}&limit=9")
    assert minutes([update["start_dt"] for update in rest["updates"]]) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(("field", "label"), [("since", "Started from"), ("until", "Started until")])
def test_a_wrong_time_is_told_where_it_is(web: WebRig, field: str, label: str) -> None:
    """The form keeps what was typed and says what is wrong; programs get a problem with the field and the way out."""
    asked = {"table": "Item", "since": "2026-03-02", "until": "2026-03-03", field: 'last "Friday"'}
    answer = web.client.get("/history", params=asked)
    assert answer.status_code == 422
    assert f"<strong>{label}</strong>: &#39;last &#34;Friday&#34;&#39; is neither a day nor a time." in answer.text
    assert f'name="{field}" value="last &#34;Friday&#34;"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert 'name="table" value="Item"' in answer.text
    assert "No sync is like that" not in answer.text
    for path in ("/history.json", "/history.csv", "/api/v1/updates"):
        problem = web.client.get(path, params=asked)
        assert (problem.status_code, problem.headers["content-type"]) == (422, "application/problem+json")
        assert problem.json()["detail"].startswith(f"{field}: ")
        assert "2026-11-20 22:00" in problem.json()["hint"]


def test_the_api_says_how_times_are_written(web: WebRig) -> None:
    """The description of the API tells of each parameter what it takes."""
    described = web.get("/api/v1/openapi.json")["paths"]["/api/v1/updates"]["get"]["parameters"]
    told = {parameter["name"]: parameter.get("description", "") for parameter in described}
    assert "started then or later" in told["since"]
    assert "of a day, those of that day too" in told["until"]
