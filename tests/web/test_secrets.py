"""Secrets stay where they were written: planted in every option that may hold one, none is seen anywhere else."""

import hashlib
import json
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from tests.cli.cli_rig import Place, make, stopped, wait_until
from tests.sinks.otlp_collector import collecting
from tests.web.canaries import Canaries, contents, forms
from tests.web.test_access import SCOPES, STREAM

from afresh import wiring

pytestmark = pytest.mark.timeout(300)

AWAY: dict[str, str] = {
    "db2": 'host = "127.0.0.1"\nport = 9\ndatabase = "D"\nuser = "reader"\nlogin_timeout = "1s"',
    "mssql": 'host = "127.0.0.1"\nport = 9\ndatabase = "D"\nuser = "reader"\nconnect_timeout = "1s"',
    "mysql": 'host = "127.0.0.1"\nport = 9\ndatabase = "D"\nuser = "reader"\nlogin_timeout = "1s"',
    "odbc": 'dsn = "nowhere"\nuser = "reader"\nlogin_timeout = "1s"',
    "oracle": 'dsn = "127.0.0.1:9/X"\nuser = "reader"\nconnect_timeout = "1s"',
    "postgres": 'host = "127.0.0.1"\nport = 9\ndatabase = "D"\nuser = "reader"',
    "sybase": 'host = "127.0.0.1"\nport = 9\ndatabase = "D"\nuser = "reader"\nlogin_timeout = "1s"',
}
"""A source of each kind that has secrets, where nobody answers; of two names of one kind the first."""

COMMANDS = (
    ("status",),
    ("why", "Of_oracle"),
    ("history",),
    ("check",),
    ("plan",),
    ("config",),
    ("config", "Of_postgres"),
)
"""What is asked beside the service, each as text and as JSON."""

MORE = {"odbc": ("keywords", "PWD2"), "postgres": ("libpq", "sslpassword")}
"""Options that are no secret by their type, and may hold one."""


def secret_options(kind: str) -> list[str]:
    """The options of a kind of source whose type says that they are secrets."""
    return [one.name for one in fields(wiring.SOURCES[kind].options) if "SecretStr" in str(one.type)]


def source(kind: str, canaries: Canaries) -> str:
    """A source system of that kind and a table of it, with a secret in each place."""
    lines = [f"[data_sync.source_systems.{kind}]", f'kind = "{kind}"', "retries = 0", AWAY[kind]]
    lines += [f"{name} = {json.dumps(canaries.plant(f'{kind}.{name}'))}" for name in secret_options(kind)]
    if kind in MORE:
        option, key = MORE[kind]
        lines.append(f"{option} = {{ {key} = {json.dumps(canaries.plant(f'{kind}.{option}'))} }}")
    return "\n".join([*lines, *table(f"Of_{kind}", kind)])


def table(name: str, system: str) -> Iterator[str]:
    """A table that is due at once."""
    yield f'[[data_sync.data_sources]]\ntable_name = "{name}"\nsource_system = "{system}"\nfetcher = "table"'
    yield 'mass = { interval = "7d" }\nfetcher_options = { key = ["Id"], columns = ["Id"] }\n'


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    """A directory with a source that works, beside those that do not."""
    inside = tmp_path / "inside"
    inside.mkdir()
    return make(inside, capsys)


def configure(place: Place, canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> str:
    """Writes a configuration with all sources and tokens; gives the token."""
    token = canaries.plant("token").encode().hex()
    canaries.planted["token"] = token
    by_environment = canaries.plant("environment")
    monkeypatch.setenv("OF_THE_ENVIRONMENT", by_environment)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization={canaries.plant('OTLP headers')[:8]}")
    extra = [source(kind, canaries) for kind in AWAY]
    extra.append(
        '[data_sync.source_systems.env]\nkind = "mssql"\nretries = 0\n'
        + AWAY["mssql"]
        + '\npassword = { env = "OF_THE_ENVIRONMENT" }\n'
        + "\n".join(table("Of_env", "env"))
    )
    digest = hashlib.sha256(token.encode()).hexdigest()
    extra.append(f'[data_sync.web]\nport = 0\n[data_sync.web.tokens.me]\nscope = "admin"\nsha256 = "{digest}"\n')
    with place.configuration.open("a") as file:
        file.write("\n" + "\n\n".join(extra))
    return token


def shown(url: str, path: str, token: str, seconds: float = 10) -> bytes:
    """What is at a path: the headers and the body, whatever the status; of a stream what comes in that time."""
    request = urllib.request.Request(f"{url}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            found = str(answer.headers).encode()
            until = time.monotonic() + seconds
            while time.monotonic() < until and (line := answer.readline()):
                found += line
            return found
    except urllib.error.HTTPError as error:
        return error.read()


def paths(table_name: str, operation_id: str) -> list[str]:
    """Everything that can be looked at, for one table."""
    found = [path for method, path in SCOPES if method == "GET" and path != STREAM]
    filled = [
        path.replace("{table}", table_name)
        .replace("{name}", table_name)
        .replace("{source}", table_name.removeprefix("Of_"))
        .replace("{operation_id}", operation_id)
        for path in found
    ]
    return [path + (f"?table={table_name}" if path == "/freshness" else "") for path in filled]


def test_every_kind_that_has_secrets_is_tried() -> None:
    """A new kind of source with a secret, or a new secret of a kind, is planted by this test or fails it."""
    kinds = {id(wiring.SOURCES[kind].options) for kind in AWAY}
    assert {id(kind.options) for name, kind in wiring.SOURCES.items() if secret_options(name)} == kinds
    assert secret_options("oracle") == ["password", "wallet_password"]


def test_a_secret_that_is_shown_is_found() -> None:
    """The search finds each form, also in the middle of other text."""
    canaries = Canaries()
    secret = canaries.plant("here")
    for form, written in forms(secret).items():
        assert canaries.found({"page": b"before " + written + b" after"}), form
    assert canaries.found({"page": b"nothing"}) == []


def test_no_secret_is_seen_anywhere(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in stdout, stderr, arguments, API, pages, metrics, events, telemetry, the cache, or what commands say."""
    canaries = Canaries()
    token = configure(place, canaries, monkeypatch)
    seen: dict[str, bytes] = {}
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with place.process("run", "--verbose", "--json", "--log-format", "json") as process:
            assert process.stderr is not None
            first = process.stderr.readline()
            address = re.search(r"http://127[.]0[.]0[.]1:[0-9]+", first)
            assert address is not None, first
            wanted = len(AWAY) + 1
            wait_until(
                lambda: (
                    len(place.cached("SELECT DISTINCT TableName FROM DataUpdate WHERE Outcome = 'failed'")) >= wanted
                ),
                "all sources have failed",
                process,
            )
            seen["arguments"] = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            failed = place.cached("SELECT TableName, OperationId FROM DataUpdate WHERE Outcome = 'failed'")
            latest = {str(name): str(operation) for name, operation in failed}
            for path in {path for name, operation in latest.items() for path in paths(name, operation)}:
                seen[path] = shown(address[0], path, token)
            seen[STREAM] = shown(address[0], STREAM, token, 5)
            for command in COMMANDS:
                for form in ((), ("--json",)):
                    ran = place.afresh(*command, *form)
                    seen[" ".join(("afresh", *command, *form))] = (ran.out + ran.err).encode()
            ran, _took = stopped(process, signal.SIGTERM)
        seen["stdout"], seen["stderr"] = ran.out.encode(), ran.err.encode()
        seen |= {path: b"".join(bodies) for path, bodies in collector.taken.items()}
    files = contents(place.path)
    seen |= {name: text for name, text in files.items() if name.startswith("cache.db")}
    assert {"stdout", "stderr", "/v1/traces", "/v1/metrics", "cache.db", STREAM} <= set(seen)
    assert all(len(seen[name]) > 100 for name in ("stdout", "stderr", "/v1/traces", "/v1/metrics", "cache.db", STREAM))
    assert canaries.found(seen) == []
    assert canaries.found({"afresh.toml": files["afresh.toml"]}), "the secrets were planted"


@pytest.mark.parametrize(("scheme", "more"), [("postgresql", ""), ("mssql", "?connect_timeout=1")])
def test_the_secret_of_a_cache_is_not_seen(place: Place, scheme: str, more: str) -> None:
    """The password in a cache's URL is in no error of a cache that does not answer."""
    canaries = Canaries()
    secret = canaries.plant("cache.url")
    written = forms(secret)["URL"].decode()
    text = place.configuration.read_text()
    url = f"{scheme}://writer:{written}@127.0.0.1:9/cache{more}"
    place.configuration.write_text(text.replace("sqlite:///cache.db", url))
    seen: dict[str, bytes] = {}
    for command in (("status", "--json"), ("sync", "Part"), ("config",), ("config", "Part", "--json")):
        ran = place.afresh(*command)
        seen[" ".join(command)] = (ran.out + ran.err).encode()
    assert any(b"127.0.0.1" in text or b"cache" in text for text in seen.values())
    assert canaries.found(seen) == []
