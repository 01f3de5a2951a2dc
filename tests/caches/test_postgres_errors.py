"""What goes wrong with PostgreSQL is told as our errors: the place named, no secret shown, transient or not."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from tests.caches import postgres_server as server
from tests.caches.postgres_rig import postgres_bench

from afresh.caches.postgres import POSTGRES
from afresh.caches.postgres_cache import open_postgres
from afresh.core.errors import (
    AfreshError,
    CacheError,
    CacheFull,
    CacheLocked,
    CacheUnavailable,
    ConfigurationError,
    SchemaDiffers,
)
from afresh.core.model import MergeCounts
from afresh.core.options import CacheConfig
from afresh.core.ports import Cache
from afresh.testing.kit_rig import PLAIN, Bench, batch

SECRET = "s3cr3t/@ü"
ENCODED = "s3cr3t%2F%40%C3%BC"


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with a table Item that holds one row."""
    with postgres_bench() as bench:
        bench.merge(PLAIN, [(1, "a")])
        yield bench


def cache_with(bench: Bench, **parameters: str) -> Cache:
    """The bench's cache with more in its URL, which waits for half a second."""
    url = (bench.directory / "cache.url").read_text()
    more = "".join(f"&{name}={value}" for name, value in parameters.items())
    return open_postgres(CacheConfig(url=url + more, lock_timeout=timedelta(seconds=0.5)))


@contextmanager
def role(*grants: str) -> Iterator[str]:
    """A role that may log in, with grants that name it as {role}."""
    name = f"login_{time.monotonic_ns()}"
    server.run(f'CREATE ROLE "{name}" LOGIN')
    try:
        for grant in grants:
            server.run(grant.format(role=name))
        yield name
    finally:
        server.run(f'DROP OWNED BY "{name}"')
        server.run(f'DROP ROLE "{name}"')


def chain(error: BaseException | None) -> Iterator[str]:
    """The texts of an error and of all that caused it, as a traceback shows them."""
    while error is not None:
        yield f"{error} {error!r} {getattr(error, 'hint', '')}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{ENCODED}@127.0.0.1:1/db",
        f"postgresql://127.0.0.1:1/db?user=u&password={ENCODED}",
        f"postgresql://u:{ENCODED}@/db?host=/nonexistent",
    ],
)
def test_unreachable(url: str) -> None:
    """A server that is not there is named, may come back, and its password is in no text."""
    cache = POSTGRES.build(CacheConfig(url=url), Path())
    with pytest.raises(CacheUnavailable, match=r"postgresql://.*/db") as raised:
        cache.log.last_updates()
    assert raised.value.transient
    for text in chain(raised.value):
        assert "s3cr3t" not in text


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET} x@h/db",
        f"postgresql://u:{ENCODED}@h:port/db?bogus=1",
        f"postgresql://u:{ENCODED}@h/db?schema=a&schema=b",
        f"postgresql://u:{ENCODED}@h/db?schema=",
    ],
)
def test_malformed_url(url: str) -> None:
    """A URL that is none is a mistake of the configuration, and is not repeated."""
    with pytest.raises(ConfigurationError) as raised:
        POSTGRES.build(CacheConfig(url=url), Path())
    for text in chain(raised.value):
        assert "s3cr3t" not in text


def test_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the drivers the error says which extra to install."""
    for name in [name for name in sys.modules if name.startswith("afresh.caches.postgres_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match="psycopg") as raised:
        POSTGRES.build(CacheConfig(url="postgresql://h/db"), Path())
    assert "pip install 'afresh[postgres]'" in raised.value.hint


def test_missing_schema() -> None:
    """A schema that is not there is asked for."""
    cache = open_postgres(CacheConfig(url=server.cache_url("not there")))
    assert cache.log.last_updates() == []
    with pytest.raises(CacheError, match="not there") as raised:
        cache.create("Item", PLAIN)
    assert "CREATE SCHEMA" in raised.value.hint
    cache.close()


def test_default_schema() -> None:
    """Without a schema in the URL the cache is in the first one of the search path."""
    schema = server.make_schema()
    url = server.server_url()
    separator = "&" if "?" in url else "?"
    cache = open_postgres(CacheConfig(url=f"{url}{separator}options=-csearch_path%3D{schema}"))
    try:
        cache.create("Item", PLAIN)
        assert server.run('SELECT count(*) FROM "Item"', schema) == [(0,)]
    finally:
        cache.close()
        server.drop_schema(schema)


def test_no_rights(bench: Bench) -> None:
    """What is not granted is told with what to grant."""
    with role() as name:
        cache = cache_with(bench, user=name)
        with pytest.raises(CacheError, match="permission denied") as raised:
            cache.create("Other", PLAIN)
        assert not raised.value.transient
        assert "Grant" in raised.value.hint
        cache.close()


def test_rows_hidden_from_us(bench: Bench) -> None:
    """Row security that applies to the cache's user is a reason not to write a table of which it sees only a part."""
    schema = (bench.directory / "schema").read_text()
    bench.execute('ALTER TABLE "Item" ENABLE ROW LEVEL SECURITY')
    grants = (f'GRANT ALL ON SCHEMA "{schema}" TO "{{role}}"', f'GRANT ALL ON "{schema}"."Item" TO "{{role}}"')
    with role(*grants) as name:
        cache = cache_with(bench, user=name)
        with pytest.raises(SchemaDiffers, match="row security"):
            cache.describe("Item", PLAIN)
        cache.close()


def test_locked(bench: Bench) -> None:
    """A table that another program keeps locked is waited for, and then tried again later."""
    cache = cache_with(bench)
    schema = (bench.directory / "schema").read_text()
    with server.connect(schema) as other, other.transaction():
        other.execute('LOCK TABLE "Item"')
        began = time.monotonic()
        with pytest.raises(CacheLocked) as raised:
            cache.add_columns("Item", [PLAIN.columns[1]])
        assert 0.4 < time.monotonic() - began < 5
    assert raised.value.transient
    cache.close()


@pytest.mark.parametrize(
    ("state", "expected", "transient"),
    [
        ("53100", CacheFull, False),
        ("40001", CacheLocked, True),
        ("40P01", CacheLocked, True),
        ("57P03", CacheUnavailable, True),
        ("23514", CacheError, False),
        ("XX000", CacheError, False),
    ],
)
def test_states(bench: Bench, state: str, expected: type[AfreshError], transient: bool) -> None:
    """Errors mean what their state says; the server's detail, which quotes rows, is not shown."""
    bench.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{state}', DETAIL = 'Key (Name)=(private)'; END$$"
    )
    bench.execute('CREATE TRIGGER fail BEFORE INSERT ON "Item" FOR EACH ROW EXECUTE FUNCTION fail()')
    with pytest.raises(expected, match="as told") as raised:
        bench.merge(PLAIN, [(2, "b")])
    assert type(raised.value) is expected
    assert raised.value.transient is transient
    assert "private" not in str(raised.value)
    assert bench.rows(PLAIN) == [(1, "a")]


def test_statement_timeout(bench: Bench) -> None:
    """A timeout that the server has for us is not taken for a cancellation of ours."""
    cache = cache_with(bench, options="-cstatement_timeout%3D300ms")
    bench.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN new; END'"
    )
    bench.execute('CREATE TRIGGER slow BEFORE INSERT ON "Item" FOR EACH ROW EXECUTE FUNCTION slow()')
    bench.cache = cache
    with pytest.raises(CacheError, match="statement timeout") as raised:
        bench.merge(PLAIN, [(2, "b")])
    assert "statement_timeout" in raised.value.hint


def test_standby(bench: Bench) -> None:
    """A server that only reads is one that may become another."""
    cache = cache_with(bench, options="-cdefault_transaction_read_only%3Don")
    with pytest.raises(CacheUnavailable, match="read-only") as raised:
        cache.create("Other", PLAIN)
    assert "target_session_attrs" in raised.value.hint
    cache.close()


@pytest.mark.parametrize("which", ["merging", "copying"])
def test_connection_lost(bench: Bench, which: str) -> None:
    """When the server ends our session in the middle of a sync, nothing is merged, and the next sync goes on."""
    schema = (bench.directory / "schema").read_text()
    bench.cache = cache_with(bench, application_name=schema)
    copying = "query LIKE 'COPY%'" if which == "copying" else "query NOT LIKE 'COPY%'"

    def lose() -> None:
        with bench.stage(PLAIN) as stage:
            stage.append(batch(PLAIN, [(2, "b")]))
            ended = server.run(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                f"WHERE application_name = '{schema}' AND {copying}"
            )
            assert (True,) in ended
            stage.append(batch(PLAIN, [(3, "c")]))
            stage.merge(trust_source=False)

    with pytest.raises(CacheUnavailable) as raised:
        lose()
    assert raised.value.transient
    assert bench.rows(PLAIN) == [(1, "a")]
    bench.cache = cache_with(bench)
    bench.cache.log.close_open(frozenset(), bench.cache.log.history()[0].start_dt)
    assert bench.merge(PLAIN, [(2, "b")]) == MergeCounts(inserted=1)


def test_unknown_encoding() -> None:
    """A database that cannot hold every text is refused before anything is written to it."""
    name = f"latin_{time.monotonic_ns()}"
    server.run(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(server.server_url())
        host = parts.get("host") or ""
        url = f"postgresql:///{name}?host={host}&user={parts.get('user')}&port={parts.get('port') or 5432}"
        cache = open_postgres(CacheConfig(url=url))
        with pytest.raises(ConfigurationError, match="LATIN1"):
            cache.create("Item", PLAIN)
        cache.close()
    finally:
        server.run(f"DROP DATABASE {name}")
