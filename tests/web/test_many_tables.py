"""With a thousand tables the first page and its JSON stay small, say the same, and lead to all tables."""

import re
from collections.abc import Iterator

import pytest
from bench.long_log_sql import Rows, sqlite, table_name
from tests.caches.sqlite_rig import SqliteRig
from tests.engine.rig import table_config
from tests.web.web_rig import WebRig, web_rig

from afresh.testing.clock import START

MOST_BYTES = 150_000
TABLES = 1_000
LOADED = 900


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebRig]:
    """A thousand tables: most fresh, some failing, a hundred never loaded."""
    directory, rig = tmp_path_factory.mktemp("many"), SqliteRig()
    cache = rig.make_cache(directory)
    cache.log.purge(START)
    rig.execute(directory, sqlite(Rows(tables=LOADED, updates=LOADED * 7, ended=START)))
    configs = [table_config(table_name(number)) for number in range(TABLES)]
    with web_rig(directory, cache=cache, configs=configs) as found:
        found.rig.service.recover()
        found.rig.service.note_check()
        yield found
        found.rig.service.release()


@pytest.mark.parametrize(
    "query",
    ["", "?show=all", "?show=all&skip=60", "?state=Fresh", "?state=Never+loaded", "?q=00&sort=name", "?sort=age"],
)
def test_page_and_json_are_small_and_say_the_same(many: WebRig, query: str) -> None:
    """The JSON has the tables of the page in its order, its problems and its sentence; both are small."""
    page, told = many.client.get(f"/{query}"), many.client.get(f"/now.json{query}")
    assert max(len(page.content), len(told.content)) < MOST_BYTES
    found = told.json()
    cards = re.search(r'<ol class="cards">(.*?)</ol>', page.text, re.DOTALL)
    names = re.findall(r'<h3><a href="/tables/(\w+)"', cards[1]) if cards else []
    assert [table["table_name"] for table in found["tables"]] == names
    fold = re.search(r'<ul class="names">(.*?)</ul>', page.text, re.DOTALL)
    assert [table["table_name"] for table in found["fresh"]] == (re.findall(r">(\w+)</a>", fold[1]) if fold else [])
    assert f">{found['headline']}</h1>" in page.text
    assert [problem["tables_in_all"] for problem in found["problems"]] == [
        int(count) for count in re.findall(r"<h3>[^<]+: (\d+) tables?</h3>", page.text)
    ]
    assert found["fresh_in_all"] > 100 or found["fresh"] == []
    assert f'href="/now.json{query}"'.replace("&", "&amp;") in page.text


@pytest.mark.parametrize("query", ["?show=all", "?state=Never+loaded"])
def test_pages_lead_to_every_table_once(many: WebRig, query: str) -> None:
    """By `next` of the JSON, and by the links of the page, there and back."""
    everything = {table_name(number) for number in range(TABLES)}
    wanted = everything if "all" in query else {table_name(number) for number in range(LOADED, TABLES)}
    seen, path = [], f"/now.json{query}"
    while path:
        found = many.get(path)
        assert found["tables_in_all"] == len(wanted)
        seen += [table["table_name"] for table in found["tables"]]
        path = found["next"]
    assert len(seen) == len(wanted)
    assert set(seen) == wanted
    page = many.client.get(f"/{query}").text
    (later,) = re.findall(r'<a href="([^"]+)" rel="next">', page)
    second = many.client.get(later.replace("&amp;", "&")).text
    assert f"61 to {min(120, len(wanted))} of {len(wanted)}." in second
    (earlier,) = re.findall(r'<a href="([^"]+)" rel="prev">', second)
    assert earlier.replace("&amp;", "&") == f"/{query}"
    assert "There are" in many.client.get(f"/{query}&skip=5000").text


def test_all_tables_in_full_are_where_the_json_says(many: WebRig) -> None:
    """`all` has every table."""
    assert len(many.get(many.get("/now.json")["all"])["tables"]) == TABLES


def test_the_grid_as_json_says_what_the_page_shows(many: WebRig) -> None:
    """The same cells in the same order, and how many tables are left out."""
    page, told = many.client.get("/grid?hours=48").text, many.client.get("/grid.json?hours=48")
    found = told.json()
    assert len(told.content) < MOST_BYTES
    cells = [kind for table in found["tables"] for kind in table["cells"]]
    assert cells == re.findall(r'<td class="(fresh|late|failed)">', page)
    assert len(page) < MOST_BYTES * 0.7
    assert f"The {found['left_out']} tables that stand best are left out." in page
    assert len(found["ends"]) == len(found["tables"][0]["cells"]) == 24
