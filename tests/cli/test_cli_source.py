"""A configuration from a live source, and a check that connects: what a newcomer does first."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.cli_rig import Place

from afresh import wiring
from afresh.cli import sample_file
from afresh.cli.addresses import address
from afresh.config.load import load
from afresh.core.errors import ConfigurationError

SHOP = """
CREATE TABLE Customer (Id INTEGER PRIMARY KEY, Name TEXT, UpdatedAt TIMESTAMP NOT NULL, Credit NUMERIC, Photo BLOB);
INSERT INTO Customer VALUES (1, 'Ann', '2026-01-01 10:00:00', 5, NULL), (2, 'Bob', '2026-01-02 10:00:00', 7, NULL);
CREATE TABLE "Order Line" (OrderId INTEGER, Line INTEGER, Changed TEXT, created_at TIMESTAMP,
    PRIMARY KEY (OrderId, Line));
CREATE TABLE Audit (What TEXT, ModifiedDate TIMESTAMP);
CREATE TABLE F0901 (GMAID TEXT PRIMARY KEY, GMUPMJ NUMERIC(6), GMUPMT NUMERIC(6), GMDL01 TEXT);
CREATE TABLE F9 (X INTEGER PRIMARY KEY);
CREATE VIEW Names AS SELECT Name FROM Customer;
"""


@pytest.fixture
def shop(place: Place) -> Place:
    """A place with a source of all sorts of tables."""
    with closing(sqlite3.connect(place.path / "shop.db")) as connection:
        connection.executescript(SHOP)
    return place


def written(place: Place, *arguments: str, source: str = "shop.db") -> str:
    """The configuration that init writes from the source."""
    target = place.path / "made.toml"
    ran = place.bare("init", str(target), "--source", f"sqlite:///{place.path / source}", "--force", *arguments)
    assert ran.code == 0, ran.err
    return target.read_text(encoding="utf-8")


def test_every_choice_has_its_reason(shop: Place) -> None:
    """Key, last-update column, sizes, and what a person has to decide stand beside each table."""
    text = written(shop, "--name", "SHOP", "--time-zone", "Europe/Berlin")
    assert "# Customer: a table of about 2 rows.\n# Key: Id, the primary key.\n" in text
    assert "# Last update: UpdatedAt, because it is named like the time when a row was changed" in text
    assert "# Decide on Credit: a bare NUMERIC says nothing of its digits; it is read as decimal(38,10)." in text
    assert "# Decide on Photo: BLOB may be large" in text
    assert "# Perhaps Changed: " in text
    assert 'fetcher_options = { cursor = ["UpdatedAt"] }' in text
    assert "# Decide: the source knows no primary key: name the columns that identify a row." in text
    assert '# table_name = "Audit"' in text
    assert "# Not among those above; `--tables` and `--views` choose others: Names (view)." in text


def test_what_is_written_passes_the_check_as_it_is(shop: Place) -> None:
    """No edit is needed before the first sync, and the check that connects agrees with what was proposed."""
    written(shop)
    options = load(shop.path / "made.toml", wiring.KINDS)
    assert [source.table_name for source in options.data_sources] == ["Customer", "F0901", "F9", "Order Line"]
    assert options.data_source("F0901").fetcher == "jde:F0901"  # type: ignore[union-attr]
    for arguments in ((), ("--connect",)):
        ran = shop.bare("check", "-c", str(shop.path / "made.toml"), *arguments)
        assert ran.code == 0, ran.err
    assert shop.bare("sync", "Customer", "-c", str(shop.path / "made.toml")).code == 0


def test_tables_are_chosen_by_pattern(shop: Place) -> None:
    """Whatever the case, and views where they are asked for."""
    assert 'table_name = "F9"' in written(shop, "--tables", "f*")
    assert "Customer" not in written(shop, "--tables", "f9").partition("Not among")[0]
    assert "# Names: a view." in written(shop, "--views")
    none = shop.bare("init", str(shop.path / "x.toml"), "--source", f"sqlite:///{shop.path}/shop.db", "--tables", "q*")
    assert (none.code, (shop.path / "x.toml").exists()) == (2, False)
    assert "the source has no tables that fit" in none.err


def test_the_sample_is_recognised(place: Place) -> None:
    """Its JD Edwards tables are read as such; the check that connects finds what is wrong with its rows."""
    sample_file.make(place.path / "sample.db", rows=2_000, now=datetime.now(UTC), stamp_indexes=False)
    text = written(place, source="sample.db")
    assert text.count('fetcher = "jde:') == 16
    assert "Work Order Master, a JD Edwards table that is known: key WADOCO." in text
    ran = place.bare("check", "-c", str(place.path / "made.toml"), "--connect", "--json")
    told = json.loads(ran.out)
    assert ran.code == 1
    assert {finding["kind"] for finding in told["findings"]} == {"data"}
    assert any(
        "F0005: the key DRSY, DRRT, DRKY does not identify a row" in found["message"] for found in told["findings"]
    )
    assert any(warning["table_name"] == "F4801" and "future" in warning["message"] for warning in told["warnings"])


def test_files_of_a_directory_are_tables(place: Place) -> None:
    """Each with what its suffix tells; a file has no key, so it is for a person to name one."""
    (place.path / "in").mkdir()
    (place.path / "in" / "orders.csv").write_text("id,name\n1,a\n")
    (place.path / "in" / "notes.txt").write_text("no table")
    target = place.path / "files.toml"
    ran = place.bare("init", str(target), "--source", f"files:///{place.path / 'in'}", "--name", "EXTRACTS")
    assert ran.code == 0, ran.err
    text = target.read_text(encoding="utf-8")
    assert f'tables = {{ orders = {{ path = "{place.path / "in" / "orders.csv"}" }} }}' in text
    assert "# orders: a table" in text
    assert "# Decide: the source knows no primary key" in text
    assert place.bare("check", "-c", str(target), "--connect").code == 0


def test_files_of_one_name_are_all_there(place: Place) -> None:
    """Of two files that differ in their suffixes alone, each is a table."""
    (place.path / "in").mkdir()
    for name in ("orders.csv", "Orders.csv.csv", "orders.jsonl"):
        (place.path / "in" / name).write_text("id\n1\n")
    found = address(f"files:///{place.path / 'in'}", wiring.KINDS)
    assert set(found.settings["tables"]) == {"orders.csv", "Orders.csv", "orders.jsonl"}  # type: ignore[call-overload]


def test_names_that_the_cache_does_not_take(place: Place) -> None:
    """A table of the source that is named as one of the cache's own, or with a line break, gets another name."""
    with closing(sqlite3.connect(place.path / "odd.db")) as odd:
        odd.execute("CREATE TABLE DATAUPDATE (Id INTEGER PRIMARY KEY)")
        odd.execute("CREATE TABLE dataquarantine (Id INTEGER PRIMARY KEY)")
        odd.execute('CREATE TABLE " two\nlines" (Id INTEGER PRIMARY KEY)')
    target = place.path / "odd.toml"
    assert place.bare("init", str(target), "--source", f"sqlite:///{place.path / 'odd.db'}").code == 0
    text = target.read_text(encoding="utf-8")
    assert 'table_name = "DATAUPDATE_2"' in text
    assert 'table_name = "dataquarantine_2"' in text
    assert 'table_name = "two_lines"' in text
    assert place.bare("check", "-c", str(target)).code == 0


def test_as_json(shop: Place) -> None:
    """What was written, what was not, and why."""
    source = f"sqlite:///{shop.path / 'shop.db'}"
    told = json.loads(shop.bare("init", str(shop.path / "j.toml"), "--source", source, "--json").out)
    assert told["tables"] == ["Customer", "F0901", "F9", "Order Line"]
    assert told["undecided"][0]["table"] == "Audit"
    assert (told["left_out"], told["password_variable"]) == (["Names"], None)


def test_nothing_is_replaced_by_chance(shop: Place) -> None:
    """As without --source; and a source that is not there leaves no file."""
    again = shop.bare("init", str(shop.configuration), "--source", f"sqlite:///{shop.path / 'shop.db'}")
    assert (again.code, "exists already" in again.err) == (2, True)
    none = shop.bare("init", str(shop.path / "n.toml"), "--source", f"sqlite:///{shop.path / 'none.db'}")
    assert (none.code, (shop.path / "n.toml").exists()) == (3, False)


# ------------------------------------------------------------------------------------------------- connecting


def test_a_check_that_connects_tells_all_at_once(place: Place) -> None:
    """A source that is away, with the tables that it concerns; the other source and its tables all the same."""
    place.configuration.write_text(
        place.configuration.read_text()
        + '[data_sync.source_systems.GONE]\nkind = "sqlite"\npath = "gone.db"\n'
        + '[[data_sync.data_sources]]\ntable_name = "G"\nsource_system = "GONE"\nfetcher = "table"\n'
        + 'mass = { interval = "1d" }\n'
    )
    ran = place.afresh("check", "--connect")
    assert ran.code == 3
    assert "GONE (sqlite): it could not be asked" in ran.out
    assert "ERP (sqlite): SQLite" in ran.out
    assert "Part: Changed is null in 33% of the first 3 rows: each window reads those" in ran.out
    assert "there is no file" in ran.err
    assert "concerns: G" in ran.err


def test_a_key_that_is_none_is_found(place: Place) -> None:
    """By the rows, where a configuration names it."""
    place.change_source(
        "CREATE TABLE Twice (A INTEGER, B TEXT); INSERT INTO Twice VALUES (1, 'x'), (1, 'y'), (2, 'z');"
    )
    place.configuration.write_text(
        place.configuration.read_text()
        + '[[data_sync.data_sources]]\ntable_name = "Twice"\nsource_system = "ERP"\nfetcher = "table"\n'
        + 'fetcher_options = { key = ["A"] }\nmass = { interval = "1d" }\n'
    )
    assert place.afresh("check").code == 0
    ran = place.afresh("check", "--connect")
    assert ran.code == 1
    assert "Twice: the key A does not identify a row: 1 of the first 3 rows repeat one" in ran.err


# -------------------------------------------------------------------------------------------------- addresses


def test_a_password_is_used_and_never_written(tmp_path: Path) -> None:
    """It is taken out of the URL, and nothing else of the address knows it."""
    found = address("oracle://READER:s3cret%40@db:1522/ERPPRD", wiring.KINDS)
    assert (found.kind, found.password) == ("oracle", "s3cret@")
    assert found.settings == {"user": "READER", "dsn": "db:1522/ERPPRD"}


@pytest.mark.parametrize(
    ("url", "kind", "settings"),
    [
        ("sqlite:////data/x.db", "sqlite", {"path": "/data/x.db"}),
        ("duckdb:///x.duckdb", "duckdb", {"path": "x.duckdb"}),
        ("postgres://r@h:1/d?sslmode=require", "postgres", {"sslmode": "require", "port": 1}),
        ("mariadb://r:p@h/d", "mysql", {"host": "h", "database": "d"}),
        ("sqlserver://r:p@h:1444/d", "sqlserver", {"port": 1444}),
        ("sqlserver://r@h/d?trust_server_certificate=true", "sqlserver", {"trust_server_certificate": True}),
        ("oracle://12@h/d?flashback=false", "oracle", {"flashback": False, "user": "12"}),
        ("postgres://h/d?application_name=7", "postgres", {"application_name": "7"}),
        ("odbc://r@h/d?driver=PostgreSQL&profile=postgres", "odbc", {"driver": "PostgreSQL"}),
    ],
)
def test_addresses_of_every_kind(url: str, kind: str, settings: dict[str, object]) -> None:
    """What has a place in a URL stands there, the rest behind the question mark."""
    found = address(url, wiring.KINDS)
    assert found.kind == kind
    assert settings.items() <= dict(found.settings).items()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("shop.db", "is not written as a URL"),
        ("mongodb://x/y", "there is no kind of source system 'mongodb'"),
        ("oracle://:s3cret@db/X", "says nothing of: user"),
        ("sqlite:///x.db?speed=9", "has no setting 'speed'"),
        ("postgres://r@h:port/d", "no readable host and port"),
        ("postgres://r:s3cret/x@h/d", "no readable host and port"),
        ("postgres://r@[::1/d", "no readable host and port"),
        ("files:///nowhere", "nowhere is no directory of files"),
    ],
)
def test_wrong_addresses(url: str, told: str) -> None:
    """Each says what is missing, and none the password."""
    with pytest.raises(ConfigurationError, match=told) as raised:
        address(url, wiring.KINDS)
    assert "s3cret" not in str(raised.value) + raised.value.hint
