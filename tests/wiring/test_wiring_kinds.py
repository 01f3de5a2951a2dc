"""Kinds beyond the tables are found among the entry points of installed packages."""

import dataclasses
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.wiring import offered

from afresh import wiring
from afresh.config.load import load
from afresh.core.errors import ConfigurationError
from afresh.core.options import SourceSystemConfig

EXAMPLE = Path(__file__).parents[2] / "examples" / "shelf"

INFO = """[afresh.caches]
theirs = tests.wiring.offered:CACHE
sqlite = tests.wiring.offered:CACHE
broken = tests.wiring.absent:CACHE
wrong = tests.wiring.offered:NOTHING
[afresh.sources]
their-source = tests.wiring.offered:SOURCE
"""

FILE = """[data_sync.cache]
url = "{scheme}:///cache.db"
[data_sync.source_systems.S]
kind = "{kind}"
path = "source.db"
[[data_sync.data_sources]]
table_name = "A"
source_system = "S"
fetcher = "table"
fetcher_options = {{ table = "A" }}
mass = {{ interval = "1d", prepurge_data = true }}
"""


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package is installed that offers a cache and a source."""
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(INFO)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


def _written(tmp_path: Path, scheme: str = "theirs", kind: str = "their-source") -> Path:
    file = tmp_path / "afresh.toml"
    file.write_text(FILE.format(scheme=scheme, kind=kind))
    return file


def test_a_configuration_names_kinds_of_a_package(tmp_path: Path) -> None:
    """A cache is found by the scheme of its URL and a source by its kind, and a service is built of them."""
    options = load(_written(tmp_path), wiring.KINDS)
    service = wiring.assemble(options, emit=lambda _event: None)
    wiring.open_cache(options).close()
    assert service is not None
    assert {"theirs", "sqlite"} <= set(wiring.KINDS.caches)
    assert "their-source" in wiring.KINDS.sources
    assert wiring.KINDS.caches["theirs"] is offered.CACHE


def test_our_own_come_first() -> None:
    """A package does not take the place of a kind of ours."""
    assert wiring.KINDS.caches["sqlite"] is wiring.CACHES["sqlite"]
    assert len(wiring.KINDS.caches) == len(wiring.CACHES) + 3


def test_listing_imports_nothing() -> None:
    """A package that cannot be imported is in nobody's way until it is asked for."""
    assert "broken" in wiring.KINDS.caches
    assert wiring.KINDS.caches.get("absent") is None


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ("broken", "importing tests.wiring.absent:CACHE failed: ModuleNotFoundError"),
        ("wrong", "tests.wiring.offered:NOTHING is no CacheKind"),
    ],
)
def test_what_a_package_offers_is_checked(tmp_path: Path, scheme: str, message: str) -> None:
    """A kind that cannot be imported, or is none, is a configuration error that names the package's object."""
    options = load(_written(tmp_path, scheme, "sqlite"), wiring.KINDS)
    with pytest.raises(ConfigurationError, match=message) as caught:
        wiring.open_cache(options)
    assert "afresh.caches" in str(caught.value.hint)


def test_a_fetcher_that_lacks_something_is_refused_at_the_start(tmp_path: Path) -> None:
    """What a kind builds has all that a sync asks of it, or no service is built; the error names what is missing."""
    file = _written(tmp_path)
    theirs = 'fetcher = "tests.wiring.offered:OLDER"\n'
    file.write_text(file.read_text().replace('fetcher = "table"\nfetcher_options = { table = "A" }\n', theirs))
    options = load(file, wiring.KINDS)
    with pytest.raises(
        ConfigurationError, match=r"A: .*offered:OLDER.* Older has no `clock` and no `forget`"
    ) as caught:
        wiring.assemble(options, emit=lambda _event: None)
    assert "afresh.core.ports" in str(caught.value.hint)


def test_unknown_kinds_are_told_what_there_is(tmp_path: Path) -> None:
    """A scheme that nobody offers is refused with what is meant, packages' kinds included."""
    with pytest.raises(ConfigurationError, match="theirs"):
        load(_written(tmp_path, "their"), wiring.KINDS)


def test_the_example_is_found(tmp_path: Path) -> None:
    """The example cache is found by the entry point that its project declares, and works in a service."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, value),) = project["entry-points"]["afresh.caches"].items()
    info = tmp_path / "afresh_shelf-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: afresh-shelf\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[afresh.caches]\n{name} = {value}\n")
    with pytest.raises(ConfigurationError, match=r"A: the cache cannot reload a table by swap") as caught:
        wiring.assemble(load(_written(tmp_path, name), wiring.KINDS), emit=lambda _event: None)
    assert caught.value.hint == "Set reload_strategy to truncate."
    file = _written(tmp_path, name)
    file.write_text(file.read_text().replace("mass =", 'reload_strategy = "truncate"\nmass ='))
    options = load(file, wiring.KINDS)
    assert wiring.assemble(options, emit=lambda _event: None) is not None
    assert wiring.open_cache(options).log.history() == []


@pytest.mark.parametrize("name", sorted(wiring.SOURCES))
def test_no_kind_of_source_hides_a_setting_of_all(name: str) -> None:
    """Both stand in the same table of a configuration."""
    own = {field.name for field in dataclasses.fields(SourceSystemConfig)}
    assert not own & {field.name for field in dataclasses.fields(wiring.SOURCES[name].options)}


@pytest.mark.parametrize("name", sorted({*wiring.SOURCES, *wiring.FETCHERS, *wiring.CACHES}))
def test_each_of_ours_is_where_it_is_said_to_be(name: str) -> None:
    """The place that is written down for a kind holds one."""
    for kinds in (wiring.SOURCES, wiring.FETCHERS, wiring.CACHES):
        assert name not in kinds or kinds[name] is not None


def test_a_start_imports_what_the_configuration_names(tmp_path: Path) -> None:
    """With SQLite on both sides no other adapter is imported, no other driver, and no parser of SQL."""
    code = (
        "import sys; from pathlib import Path; from afresh import wiring; from afresh.config.load import load; "
        "wiring.assemble(load(Path(sys.argv[1]), wiring.KINDS), emit=print); print(*sys.modules)"
    )
    file = _written(tmp_path, scheme="sqlite", kind="sqlite")
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "afresh.caches.sqlite" in imported
    assert not imported & {"sqlglot", "duckdb", "psycopg", "adbc_driver_manager", "arrow_odbc", "oracledb", "fastapi"}
    ours = {name for name in imported if name.startswith(("afresh.caches.", "afresh.sources."))}
    assert not [name for name in ours if name.partition("_")[0].endswith(("duckdb", "postgres", "sqlserver", "odbc"))]
