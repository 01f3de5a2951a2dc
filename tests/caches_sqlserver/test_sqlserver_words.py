"""URLs, names, types, limits and errors of the SQL Server cache: everything that needs no server."""

import importlib.util
import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from afresh.caches.sqlserver import SQLSERVER, SqlServerCache, build
from afresh.caches.sqlserver_errors import KeyTaken, is_busy, meaning, translated
from afresh.caches.sqlserver_names import LEFTOVER, made_name, quote, quote_table
from afresh.caches.sqlserver_types import check_limits, is_clustered, key_storage, storage
from afresh.core.errors import (
    AfreshError,
    CacheError,
    CacheFull,
    CacheLocked,
    CacheUnavailable,
    Cancelled,
    ConfigurationError,
)
from afresh.core.options import CacheConfig
from afresh.core.schema import TIMESTAMP, Column, TableSchema, parse_type
from afresh.drivers import mssql
from afresh.drivers.mssql_url import parse
from afresh.testing.cancellation import ManualCancellation

OPERATION = "0123456789abcdef0123456789abcdef"


def columns(**types: str) -> tuple[Column, ...]:
    """Columns of the named types."""
    return tuple(
        Column(name=name, type=kind, length=length)
        for name, (kind, length) in ((name, parse_type(text)) for name, text in types.items())
    )


def test_url() -> None:
    """All parts of the URL are understood, with what is percent-encoded."""
    settings = parse(
        "mssql://us%40er:p%3B%7D%2F%40w@db.example%5CINST:1433/My%20Db?encrypt=yes&packet_size=4096&schema=x"
    )
    assert (settings.host, settings.port, settings.database) == ("db.example\\INST", 1433, "My Db")
    assert (settings.user, settings.password) == ("us@er", "p;}/@w")
    assert (settings.schema, settings.staging_schema) == ("x", "afresh_x")
    assert settings.connection_string() == (
        "Server={db.example\\INST,1433};Database={My Db};UID={us@er};PWD={p;}}/@w};Encrypt={yes};PacketSize={4096}"
    )


def test_url_without_login() -> None:
    """Without a user the login is left to the driver's options; `sqlserver` is a scheme too."""
    settings = parse("sqlserver://localhost/cache?trusted_connection=yes&trust_server_certificate=yes")
    assert settings.connection_string() == (
        "Server={localhost};Database={cache};TrustServerCertificate={yes};Trusted_Connection={yes}"
    )
    assert (settings.schema, settings.staging_schema) == ("dbo", "afresh")


@pytest.mark.parametrize(
    "url",
    [
        "sqlserver://db.example:1433;database=My Db;user=sa;pwd={hunter2;}}};encrypt=yes;trustServerCertificate=no",
        "sqlserver://db.example,1433;databaseName=My Db;UID=sa;PWD={hunter2;}}};Encrypt=yes;TrustServerCertificate=no",
        "mssql://sa:hunter2%3B%7D@db.example:1433/My%20Db?Encrypt=yes&TrustServerCertificate=no",
        "mssql://sa:hunter2%3B%7D@db.example:1433/My%20Db?encrypt=yes&trust_server_certificate=no",
    ],
)
def test_forms_of_urls(url: str) -> None:
    """What is usual elsewhere is understood too, and means the same."""
    assert parse(url).connection_string() == (
        "Server={db.example,1433};Database={My Db};UID={sa};PWD={hunter2;}}};Encrypt={yes};TrustServerCertificate={no}"
    )


@pytest.mark.parametrize(
    "url",
    [
        "sqlserver://host;user=sa;password=hunter2",
        "sqlserver://host;database=x;password=hunter2;nonsense=1",
        "mssql://",
        "mssql://sa:hunter2@host",
        "mssql://sa:hunter2@host/",
        "mssql://sa:hunter2@host:port/db",
        "mssql://sa:hunter2#x@host/db",
        "mssql://sa:hunter2/x@host/db",
        "mssql://sa:hunter2@host/db?nonsense=1",
        "mssql://sa:hunter2@host/db?packet_size=1&batch_size=many",
        "sqlite:///cache.db",
    ],
)
def test_unusable_urls(url: str) -> None:
    """A URL that cannot be used is refused with a hint, and without its password."""
    with pytest.raises(ConfigurationError) as caught:
        parse(url)
    assert caught.value.hint
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_password_is_never_shown() -> None:
    """Neither the settings' text and representation nor an error that quotes the login shows the password."""
    settings = parse("mssql://sa:hunter2@host/db")
    assert "hunter2" not in f"{settings} {settings!r}"
    assert str(settings) == "mssql://sa:***@host/db"
    found = meaning(str(settings), RuntimeError("no login with PWD=hunter2"), settings.password)
    assert "hunter2" not in f"{found} {found!r}"


def test_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the driver the cache cannot be built, and the error says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="mssql-python") as caught:
        build(CacheConfig(url="mssql://sa:x@host/db"), Path())
    assert "pip install 'afresh[sqlserver]'" in caught.value.hint


def test_built_without_connecting() -> None:
    """Building connects to nothing."""
    pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")
    cache = SQLSERVER.build(CacheConfig(url="mssql://sa:x@nowhere.invalid/db"), Path())
    assert isinstance(cache, SqlServerCache)
    cache.close()
    cache.close()


@pytest.mark.timeout(60)
def test_unreachable_server() -> None:
    """A server that does not answer is a transient error that names the place without the password."""
    pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")
    config = CacheConfig(url="mssql://sa:hunter2@127.0.0.1:1/db?connect_timeout=2", lock_timeout=timedelta(seconds=1))
    with pytest.raises((CacheUnavailable, ConfigurationError)) as caught:
        build(config, Path()).log.last_updates()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["execute", "executemany", "setinputsizes", "bulkcopy", "bulkcopy_arrow", "nextset"])
def test_signatures_of_the_driver(name: str) -> None:
    """The installed driver takes what the adapter gives it, by the names that are used."""
    driver: Any = pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")
    theirs = inspect.signature(getattr(driver.Cursor, name)).parameters
    ours = inspect.signature(getattr(mssql.Cursor, name)).parameters
    for parameter in ours.values():
        if parameter.kind is not parameter.VAR_POSITIONAL and parameter.name != "self":
            assert parameter.name in theirs
    positional = [each.name for each in ours.values() if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert list(theirs)[: len(positional)] == positional


def test_signature_of_connect() -> None:
    """The installed driver connects with the arguments that are used, and has the cancel that is used."""
    driver: Any = pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")
    assert {"connection_str", "autocommit", "timeout"} <= set(inspect.signature(driver.connect).parameters)
    assert "hstmt._cancel()" in inspect.getsource(inspect.getmodule(driver.Cursor))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "quoted"), [("a", "[a]"), ("a]b", "[a]]b]"), ("[x]", "[[x]]]"), ("x;--", "[x;--]"), ("🙂", "[🙂]")]
)
def test_quoting(name: str, quoted: str) -> None:
    """A name is quoted whole, whatever is in it."""
    assert quote(name) == quoted


@pytest.mark.parametrize("name", ["", "a\0", "a ", " ", "x" * 129, "🙂" * 65])
def test_impossible_names(name: str) -> None:
    """What cannot be a name is refused by that name."""
    with pytest.raises(ConfigurationError) as caught:
        quote(name)
    assert repr(name) in str(caught.value)


def test_temporary_names() -> None:
    """A table's name that would mean a temporary table is refused; a column's is not."""
    with pytest.raises(ConfigurationError, match="temporary"):
        quote_table("dbo", "#x")
    assert quote("#x") == "[#x]"


def test_made_names() -> None:
    """The names of staging tables are plain, keep the operation whole, fit, and are known as leftovers."""
    name = made_name("Staging", "Größe; " * 40, OPERATION)
    assert len(name) == 128
    assert name.endswith(f"_{OPERATION}")
    assert (found := LEFTOVER.fullmatch(name)) is not None
    assert found[1] == OPERATION
    assert LEFTOVER.fullmatch("StagingArea") is None


def test_types() -> None:
    """Each of our types is kept in one that holds it exactly."""
    kept = {name: storage(columns(c=name)[0]) for name in ("bool", "int16", "int32", "int64", "float", "bytes", "date")}
    assert list(kept.values()) == ["bit", "smallint", "int", "bigint", "float(53)", "varbinary(max)", "date"]
    texts = [storage(columns(c=name)[0]) for name in ("text", "text(4000)", "text(4001)", "decimal(38,38)", "time")]
    assert texts == ["nvarchar(max)", "nvarchar(4000)", "nvarchar(max)", "decimal(38,38)", "time(7)"]
    assert [storage(columns(c=name)[0]) for name in ("timestamp", "datetime")] == ["datetime2(7)", "datetime2(7)"]


@pytest.mark.parametrize(
    ("types", "kept", "clustered"),
    [
        (["text"], ["nvarchar(450)"], True),
        (["text(450)"], ["nvarchar(450)"], True),
        (["text(451)"], ["nvarchar(451)"], False),
        (["text(850)"], ["nvarchar(850)"], False),
        (["int64", "text", "text"], ["bigint", "nvarchar(223)", "nvarchar(223)"], True),
        (["text(440)", "text"], ["nvarchar(440)", "nvarchar(410)"], False),
        (["bytes"], ["varbinary(900)"], True),
    ],
)
def test_keys_share_the_room(types: list[str], kept: list[str], clustered: bool) -> None:
    """A key fits 900 bytes, or 1,700 in an index of its own; what has no length takes what is left."""
    made = columns(**{f"K{number}": text for number, text in enumerate(types)})
    schema = TableSchema(columns=made, key=tuple(column.name for column in made))
    assert list(key_storage(schema).values()) == kept
    assert is_clustered(schema) is clustered


def test_limits() -> None:
    """Keys, rows and tables that SQL Server cannot have are refused before the run, naming the column."""
    long_key = TableSchema(columns=columns(K="text(851)"), key=("K",))
    with pytest.raises(ConfigurationError, match=r"K is text\(851\)"):
        check_limits("Item", long_key)
    wide = TableSchema(columns=columns(**{f"C{number}": "int64" for number in range(1_000)}), key=("C0",))
    with pytest.raises(ConfigurationError, match=r"Item\.C99\d: .*8,060"):
        check_limits("Item", wide)
    many = TableSchema(columns=columns(**{f"C{number}": "bool" for number in range(1_024)}), key=("C0",))
    with pytest.raises(ConfigurationError, match="1,024 columns"):
        check_limits("Item", many)
    check_limits("Item", TableSchema(columns=(*columns(A="text"), Column(name="B", type=TIMESTAMP)), key=("A",)))
    check_limits("Item", TableSchema(columns=columns(**{f"C{n}": "int32" for n in range(1_023)}), key=("C0",)))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Serialization failure; [SQL Server]Transaction (Process ID 5) was deadlocked on lock", CacheLocked),
        ("Driver Error: x; [SQL Server]Lock request time out period exceeded.", CacheLocked),
        ("Bulk Copy Error: SQL Server error: number: 1205, state 51", CacheLocked),
        ("ERROR: could not serialize access due to concurrent update", CacheLocked),
        ("The transaction log for database 'x' is full due to 'LOG_BACKUP'.", CacheFull),
        ("Could not allocate space for object 'dbo.x' in database 'y' because the filegroup is full", CacheFull),
        ("could not extend file: No space left on device", CacheFull),
        ("[SQL Server]Login failed for user 'sa'.", CacheError),
        ('Cannot open database "x" requested by the login.', CacheError),
        ("Communication link failure; [Microsoft]TCP Provider: Error code 0x2746", CacheUnavailable),
        ("Client unable to establish connection; Login timeout expired", CacheUnavailable),
        ("Database 'x' on server 'y' is not currently available. Please retry", CacheUnavailable),
        ("Error 40613: something in another language", CacheUnavailable),
        ("Integrity constraint violation: Violation of PRIMARY KEY constraint. Cannot insert duplicate key", KeyTaken),
        ("Incorrect syntax near 'x'", CacheError),
    ],
)
def test_meanings(text: str, kind: type[AfreshError]) -> None:
    """An error is known by its number, its state or its words, whichever there is."""
    found = meaning("here", RuntimeError(text))
    assert type(found) is kind
    assert "here" in str(found)


def test_login_refused_is_not_transient() -> None:
    """A refused login does not go away by trying again, and the hint says where to look."""
    found = meaning("here", RuntimeError("Login failed for user 'sa'."))
    assert not found.transient
    assert "user and password" in found.hint


@pytest.mark.parametrize("number", [40613, 40197, 40501, 49918])
def test_busy_managed_servers(number: int) -> None:
    """What a managed database says while it moves is worth another try at once, and transient."""
    assert is_busy(RuntimeError(f"Msg {number}, Level 17"))
    assert meaning("here", RuntimeError(f"Msg {number}")).transient
    assert not is_busy(RuntimeError("Login failed"))


class PanicException(BaseException):
    """What the driver's Rust core raises."""


def test_panics_are_translated() -> None:
    """A panic of the driver's core is an error of the cache; an interrupt from the keyboard is not."""
    with pytest.raises(CacheError, match="unwrap"), translated("here"):
        raise PanicException("called unwrap on None")
    with pytest.raises(KeyboardInterrupt), translated("here"):
        raise KeyboardInterrupt


def test_cancelled_error() -> None:
    """An error that comes of a cancellation is the cancellation."""
    cancel = ManualCancellation()
    cancel.request()
    with pytest.raises(Cancelled), translated("here", "", cancel):
        raise RuntimeError("Operation canceled")
