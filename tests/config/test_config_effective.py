"""The configuration as it is shown: values, origins, and no secrets."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.web.canaries import Canaries

from afresh import wiring
from afresh.config import effective
from afresh.config.effective import Option, Parts
from afresh.config.load import load
from afresh.core.errors import ConfigurationError
from afresh.core.options import (
    CacheConfig,
    DataSourceConfig,
    DataSyncOptions,
    ScheduleConfig,
    SourceSystemConfig,
    TokenConfig,
    WebConfig,
)

KINDS = wiring.KINDS
OPTIONS = DataSyncOptions(
    cache=CacheConfig(url="sqlite:///cache.db"),
    source_systems={
        "ERP": SourceSystemConfig(kind="memory", options={"password": SecretStr("canary"), "dsn": "me/canary@db"})
    },
    data_sources=(
        DataSourceConfig(
            table_name="Item",
            source_system="ERP",
            fetcher="python",
            fetcher_options={"api_key": "canary", "columns": {"A": "int64"}},
            hourly=ScheduleConfig(interval=timedelta(minutes=90)),
        ),
    ),
    origins={("data_sources", "Item", "hourly", "interval"): "afresh.toml, line 12"},
)

FILE = """
[data_sync]
cache = { url = "sqlite:///cache.db" }

[data_sync.source_systems.ERP]
kind = "sqlite"
path = "source.db"

[data_sync.source_systems.Ledger]
kind = "postgres"
host = "db1"
database = "ledger"
user = { env = "LEDGER_USER" }
libpq = { keepalives = "1" }

[data_sync.web.tokens.me]
sha256 = "DIGEST"
scope = "admin"

[[data_sync.data_sources]]
table_name = "Item"
source_system = "ERP"
fetcher = "table"
fetcher_options = { cursor = ["Changed"] }
hourly = { interval = "90m" }
""".replace("DIGEST", "0123456789abcdef" * 4)


def loaded(directory: Path, **environ: str) -> DataSyncOptions:
    """The options of the file above."""
    path = directory / "afresh.toml"
    path.write_text(FILE)
    return load(path, KINDS, {"LEDGER_USER": "reader", **environ})


def settings(parts: Parts, part: str) -> dict[str, Option]:
    """The settings of a part by name."""
    return {option.name: option for option in parts[part]}


def told(options: DataSyncOptions) -> str:
    """All that is ever shown of the options."""
    tables = [config.table_name for config in options.data_sources]
    parts = [effective.of_table(options, name, KINDS, reached=reached) for name in tables for reached in (True, False)]
    parts.append(effective.of_everything(options, KINDS))
    return str(parts) + str([effective.as_json(each) for each in parts]) + str(effective.whole(options, KINDS))


def test_every_option_has_its_value_and_its_origin() -> None:
    """Those of the table, of its source system and of all tables; durations as the file writes them."""
    found = effective.of_table(OPTIONS, "Item", KINDS)
    assert list(found) == ["This table", "Source system ERP", "All tables"]
    own = settings(found, "This table")
    assert (own["hourly.interval"].text, own["hourly.interval"].origin) == ("1h30m", "afresh.toml, line 12")
    assert (own["mass"].text, own["mass"].origin) == ("none", "default")
    assert own["hourly.interval"].value == 5400
    assert "max_sessions" in settings(found, "Source system ERP")
    with pytest.raises(ConfigurationError):
        effective.of_table(OPTIONS, "Nothing", KINDS)


def test_what_is_shown_is_whole(tmp_path: Path) -> None:
    """Each part of the file, with what its kind of source or fetcher takes where the file says nothing."""
    found = effective.of_everything(loaded(tmp_path), KINDS)
    assert list(found) == [
        "All tables", "Cache", "Web interface", "Source system ERP", "Source system Ledger", "Table Item",
    ]  # fmt: skip
    assert settings(found, "Cache")["url"].text == "sqlite:///cache.db"
    source = settings(found, "Source system ERP")
    assert (source["path"].text, source["path"].origin) == ("source.db", "afresh.toml, line 7")
    assert (source["busy_timeout"].text, source["busy_timeout"].origin) == ("10s", "default")
    table = settings(found, "Table Item")
    assert (table["fetcher_options.cursor"].text, table["fetcher_options.where"].text) == ("Changed", "none")
    assert table["fetcher_options.where"].origin == "default"


def test_what_reaches_a_database_is_for_those_who_may_know(tmp_path: Path) -> None:
    """The path of a source is not among what holds for a table unless it is asked for."""
    options = loaded(tmp_path)
    assert "path" not in settings(effective.of_table(options, "Item", KINDS), "Source system ERP")
    assert "path" in settings(effective.of_table(options, "Item", KINDS, reached=True), "Source system ERP")


def test_keys_that_a_user_chose_have_their_origin(tmp_path: Path) -> None:
    """Also where the environment changes one of them; a reference is told by where it is made."""
    found = effective.of_everything(loaded(tmp_path, AFRESH__WEB__TOKENS__ME__SCOPE="read"), KINDS)
    web = settings(found, "Web interface")
    scope = web["tokens.me.scope"]
    assert (scope.text, scope.origin) == ("read", "environment variable AFRESH__WEB__TOKENS__ME__SCOPE")
    assert web["tokens.me.sha256"].text == "•••"
    ledger = settings(found, "Source system Ledger")
    assert ledger["libpq.keepalives"].origin == "afresh.toml, line 14"
    assert (ledger["user"].text, ledger["user"].origin) == ("reader", "afresh.toml, line 13")
    origins = effective.whole(loaded(tmp_path), KINDS)["origins"]
    assert "source_systems.Ledger.user" in origins
    assert "source_systems.Ledger.user.env" not in origins


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sqlite:///cache.db", "sqlite:///cache.db"),
        ("jdeprd1:1521/JDEPRD", "jdeprd1:1521/JDEPRD"),
        ("postgresql://writer:canary@db/cache", "postgresql://•••"),
        ("mssql://db/cache?password=canary", "mssql://•••"),
        ("Driver=x;PWD=canary", "•••"),
        ("me/canary@db", "•••"),
    ],
)
def test_an_address_is_shown_where_it_has_no_place_for_a_password(address: str, shown: str) -> None:
    """Else the kind of database at most."""
    assert effective.shown(address, "url") == effective.shown(address, "dsn") == shown


def test_no_option_shows_a_secret() -> None:
    """Neither as text nor as JSON; how the source system is reached is left out for a reader."""
    assert "canary" not in told(OPTIONS)


def test_no_secret_is_shown_in_any_form() -> None:
    """Planted by type, by name, within addresses and texts, at any depth, and in the hash of a token."""
    canaries = Canaries()
    planted = canaries.plant
    source = {
        "password": SecretStr(planted("by type")),
        "wallet_password": planted("by name"),
        "keywords": {"PWD2": planted("by key")},
        "secrets": {"first": planted("below a name")},
        "libpq": {"passwords": [planted("in a list")]},
        "dsn": f"Driver=x;PWD={planted('connection string')}",
    }
    own = {
        "endpoint": f"https://me:{planted('address')[:8]}@api.example/v1",
        "endpoints": [f"https://me:{planted('list of addresses')[:8]}@api.example/v1"],
        "headers": [{"token": planted("in a table in a list")}],
        "note": f"password = '{planted('in a text')}'",
    }
    options = replace(
        OPTIONS,
        cache=CacheConfig(url=f"postgresql://writer:{planted('cache')}@db/cache"),
        source_systems={"ERP": SourceSystemConfig(kind="memory", options=source)},
        data_sources=(replace(OPTIONS.data_sources[0], fetcher_options=own),),
        web=WebConfig(tokens={"me": TokenConfig(sha256=planted("hash"))}),
    )
    assert canaries.found({"told": told(options).encode()}) == []
