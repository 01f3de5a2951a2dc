"""That nothing which may be a secret is shown, and nothing but `InvalidConfiguration` comes out of a bad file."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.config.config_kinds import KINDS

from afresh.config.load import load
from afresh.config.masks import by_text, looks_secret
from afresh.config.problems import InvalidConfiguration

EXAMPLES = int(os.environ.get("AFRESH_EXAMPLES", "50"))
SECRET = "hunter2"
TOML = f"""\
[data_sync]
batch_size = 5
[data_sync.cache]
url = "sqlite://me:{SECRET}@host/cache.db"
[data_sync.source_systems.JDE]
kind = "oracle"
dsn = "jde;Password={SECRET};Server=x"
password = "{SECRET}"
port = 1521
[data_sync.source_systems.CMS]
kind = "oracle"
dsn = 'cms'
password = '''
{SECRET}'''
[[data_sync.data_sources]]
table_name = "WorkOrder"
source_system = "JDE"
fetcher = "jde:F4801"
mass = {{ interval = "7d" }}
"""
JSON = f"""\
{{ "ConnectionStrings": {{ "A": "Server=x;Password={SECRET};" }},
  "DataSync": {{
    "Cache": {{ "Url": "sqlite://me:{SECRET}@host/cache.db" }},
    "SourceSystems": {{ "JDE": {{ "Kind": "oracle", "Dsn": "x", "Password": "{SECRET}", "Port": 1521 }} }},
    "DataSources": [ {{ "TableName": "A", "SourceSystem": "JDE", "FetcherTypeName": "jde:F4801",
      "MassConfig": {{ "Interval": "7.00:00:00" }} }} ] }} }}
"""


@pytest.mark.parametrize(
    "line",
    [
        'password = "{}"', "password = '{}'", "password = {}", 'password = "{}', "password='{}", 'password: "{}"',
        '"Password": "{}"', '"Password": "{}', '"password" = "{}"', "db_password = {} # old", "pwd={}",
        'Server=x;Pwd={};Database=y', 'url = "postgres://u:{}@h/d"', 'url = "postgres://u:p/{}@@h/d"',
        'dsn = "scott/{}@orcl"', 'api_key = "{}"', 'token = ["{}"]', "secret = {{ value = \"{}\" }}",
        'password = """{}"""', 'password = """\n{}\n"""', 'password = """\n{}', 'password = "x\\"{}"',
        'password = "a"{}"', 'password.value = "{}"', 'AccountKey={}==;x', 'client-secret = "{}"', 'pasword = "{}"',
        '# password = "{}"', '"Passphrase" : "{}", "Port": 5',
    ],
)  # fmt: skip
def test_the_text_alone_gives_secrets_away(line: str) -> None:
    """Even where the file cannot be parsed, what may be a secret is covered."""
    text = f"a = 1\n{line.format(SECRET)}\nb = 2\n"
    data = bytearray(text.encode())
    for span in by_text(text):
        data[span.start : span.end] = b"." * (span.end - span.start)
    assert SECRET not in data.decode()
    assert data.decode().startswith("a = 1\n")
    assert "b = 2" in data.decode() or '"""' in line


def test_references_are_shown() -> None:
    """Where a secret stands is no secret."""
    assert list(by_text('password = { env = "NAME" }\n"Password": { "File": "x.txt" }')) == []


@pytest.mark.parametrize("name", ["key", "user", "table_name", "quantity_decimals", "path", "dsn", "url", "sql"])
def test_ordinary_settings_are_no_secrets(name: str) -> None:
    """What is masked for nothing makes messages harder to read."""
    assert not looks_secret(name)


def attempt(directory: Path, name: str, data: bytes) -> str:
    """What loading says: nothing, or the problems; any other exception is a failure of the test."""
    path = directory / name
    path.write_bytes(data)
    try:
        load(path, KINDS, {})
    except InvalidConfiguration as error:
        return str(error)
    return ""


SNIPPETS = st.sampled_from(
    ['"', "'", "[", "]", "{", "}", "=", ",", ".", "\n", "#", "//", "/*", "\\", '"""', "'''", "\x00", "\x1b", "é", "時",
     "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\r", "\t", " ", "0", "-1", "true", "null",
     "1e999", "nan", "[data_sync]", "[[data_sync.data_sources]]", "env", "password", ":", "7d", "_", "x" * 200]
)  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 12), SNIPPETS | st.just("")), min_size=1, max_size=3)


def edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    """The text with pieces cut out and put in, but never within a secret or the name before it."""
    for at, length, piece in edits:
        start = at % (len(text) + 1)
        end = text.find("\n", start + length)
        lines = text[text.rfind("\n", 0, start) + 1 : end if end >= 0 else len(text)]
        if SECRET in lines or "password" in lines.lower():
            continue
        text = text[:start] + piece + text[start + length :]
    return text


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
@example(edits=[(0, 11, "")])
@example(edits=[(12, 2, '"""')])
def test_no_damage_to_a_file_shows_a_secret_or_breaks_us(tmp_path: Path, edits: list[tuple[int, int, str]]) -> None:
    """Whatever is cut out or put in, there are options or problems, and no secret in them."""
    for name, text in (("afresh.toml", TOML), ("appsettings.json", JSON)):
        message = attempt(tmp_path, name, edited(text, edits).encode("utf-8", "replace"))
        assert SECRET not in message
        assert all(character.isprintable() or character == "\n" for character in message)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_configuration_or_a_problem(tmp_path: Path, data: bytes) -> None:
    """Nothing but problems comes out of bytes that are no configuration."""
    for name in ("afresh.toml", "appsettings.json"):
        assert attempt(tmp_path, name, data)
