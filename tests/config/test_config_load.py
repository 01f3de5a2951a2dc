"""What a good configuration becomes."""

import dataclasses
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.config.config_kinds import KINDS, ServerOptions

from afresh.config.findings import Findings
from afresh.config.form import TOML
from afresh.config.load import load
from afresh.config.nodes import Array, Entry, Leaf, Span, Table
from afresh.config.problems import InvalidConfiguration
from afresh.config.references import References
from afresh.config.typed import typed
from afresh.core.errors import ConfigurationError
from afresh.core.model import ReloadStrategy, UpdateType
from afresh.core.options import DataSyncOptions
from afresh.jde.catalogue import tables
from afresh.jde.options import JdeOptions
from afresh.sources.sqlite import SqliteOptions

EXAMPLES = Path(__file__).parents[2] / "examples"
CACHE = '[data_sync.cache]\nurl = "sqlite:///cache.db"\n'
SERVER = '[data_sync.source_systems.JDE]\nkind = "oracle"\ndsn = "jde"\n'
SOURCE = '[[data_sync.data_sources]]\ntable_name = "WorkOrder"\nsource_system = "JDE"\nfetcher = "jde:F4801"\n'
SQLITE = '[data_sync.source_systems.JDE]\nkind = "sqlite"\npath = "source.db"\n'


def loaded(
    tmp_path: Path, text: str, name: str = "afresh.toml", environ: dict[str, str] | None = None
) -> DataSyncOptions:
    """The options of a file with that text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return load(path, KINDS, environ or {})


def refused(tmp_path: Path, text: str, name: str = "afresh.toml", environ: dict[str, str] | None = None) -> str:
    """What is said about a file with that text."""
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(tmp_path, text, name, environ)
    return str(caught.value)


def test_both_examples_say_the_same() -> None:
    """The TOML and the JSON form of the example load to equal options."""
    assert load(EXAMPLES / "afresh.toml", KINDS, {}) == load(EXAMPLES / "appsettings.json", KINDS, {})


def test_the_example_has_every_known_table() -> None:
    """The examples keep each of the 16 known JD Edwards tables and MisData, all on three schedules."""
    options = load(EXAMPLES / "afresh.toml", KINDS, {})
    arguments = {KINDS.fetchers[source.fetcher].argument for source in options.data_sources}
    assert arguments == {*tables(), None}
    assert len(options.data_sources) == 17
    assert options.data_source("MisData") is not None
    for source in options.data_sources:
        assert [source.schedule(kind) is not None for kind in UpdateType] == [True, True, True]
        assert source.mass is not None
        assert source.mass.prepurge_data
        assert source.mass.re_index_data


def test_the_example_means_what_it_says() -> None:
    """Values arrive with their types, and relative paths know where they start."""
    options = load(EXAMPLES / "afresh.toml", KINDS, {})
    assert options.check_interval == timedelta(seconds=60)
    assert options.cache.lock_timeout == timedelta(minutes=2)
    assert options.batch_size == 1_000_000
    assert options.base_directory == EXAMPLES.absolute()
    jde = options.source_systems["JDE"]
    assert (jde.kind, jde.time_zone, jde.max_sessions) == ("sqlite", "America/Chicago", 4)
    assert typed(SqliteOptions, jde.options) == SqliteOptions(path=Path("source.db"))


def test_a_relative_file_gives_an_absolute_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base directory does not move when the process changes its directory."""
    (tmp_path / "afresh.toml").write_text(CACHE)
    monkeypatch.chdir(tmp_path)
    assert load(Path("afresh.toml"), KINDS, {}).base_directory == tmp_path


def test_only_the_cache_is_needed(tmp_path: Path) -> None:
    """Everything else has the defaults of the options."""
    options = loaded(tmp_path, CACHE)
    assert options == dataclasses.replace(DataSyncOptions(cache=options.cache), base_directory=tmp_path)


def test_toml_may_be_written_in_any_of_its_ways(tmp_path: Path) -> None:
    """Inline tables, sub-tables and dotted keys are the same, and so are the names of the specification."""
    short = loaded(tmp_path, CACHE + SQLITE + SOURCE + 'mass = { interval = "7d", prepurge_data = true }\n')
    long = loaded(
        tmp_path,
        'data_sync.cache.url = "sqlite:///cache.db"\n'
        + 'data_sync.source_systems = { JDE = { kind = "sqlite", path = "source.db" } }\n'
        + SOURCE.replace("fetcher", "fetcher_type_name")
        + '[data_sync.data_sources.mass_config]\ninterval = "7.00:00:00"\nprepurge_data = true\nis_enabled = true\n',
    )
    assert short == long


def test_json_names_have_any_case_and_other_sections_are_left_alone(tmp_path: Path) -> None:
    """An appsettings.json of .NET loads as it is: comments, trailing commas, a byte order mark, names in any case."""
    text = """\ufeff{
      "$schema": "https://example.org/schema.json",
      "ConnectionStrings": { "Main": "Server=x;Password=y" }, // of another program
      "dataSync": {
        "BATCHSIZE": 5, /* small */
        "cache": { "url": "sqlite:///cache.db" },
        "sourceSystems": { "JDE": { "kind": "sqlite", "PATH": "source.db" } },
        "DataSources": [
          { "tablename": "WorkOrder", "SourceSystem": "JDE", "FetcherTypeName": "jde:F4801",
            "ReloadStrategy": "Truncate", "PostProcessorTypeName": null, "DailyConfig": null,
            "MassConfig": { "IsEnabled": true, "Interval": "7.00:00:00" },
            "FetcherOptions": { "Columns": ["DOCO", "DCTO"], "Decimals": { "UORG": 2, }, }, },
        ],
      },
    }"""
    options = loaded(tmp_path, text, "appsettings.json")
    source = options.data_sources[0]
    assert options.batch_size == 5
    assert source.reload_strategy is ReloadStrategy.TRUNCATE
    assert source.daily is None
    assert source.mass is not None
    assert source.mass.interval == timedelta(days=7)
    assert source.fetcher_options == {"columns": ("DOCO", "DCTO"), "decimals": {"UORG": 2}}


def test_fetcher_options_become_the_type_of_the_fetcher(tmp_path: Path) -> None:
    """The validated mapping is enough to make the options that the fetcher is built from."""
    options = loaded(
        tmp_path,
        CACHE + SQLITE + SOURCE + 'mass.interval = "7d"\n'
        'fetcher_options = { names = "alias", quantity_decimals = 2, last_update = { date = "UPMJ" } }\n',
    )
    found = typed(JdeOptions, options.data_sources[0].fetcher_options)
    assert isinstance(found, JdeOptions)
    assert (found.names, found.quantity_decimals, found.columns) == ("alias", 2, "known")
    assert found.last_update is not None
    assert found.last_update.date == "UPMJ"


def test_settings_that_do_not_fit_their_type_are_a_configuration_error() -> None:
    """A program that makes its options itself gets the reason, without the value."""
    with pytest.raises(ConfigurationError, match=r"SqliteOptions: path") as caught:
        typed(SqliteOptions, {"path": 1234567})
    assert "1234567" not in str(caught.value)


def test_a_fetcher_that_needs_no_source_system_may_name_any(tmp_path: Path) -> None:
    """The source system of a sample is only a label."""
    text = CACHE + SOURCE.replace("jde:F4801", "sample") + 'mass.interval = "7d"\n'
    assert loaded(tmp_path, text).data_sources[0].source_system == "JDE"


def test_a_table_that_is_not_enabled_needs_no_schedule(tmp_path: Path) -> None:
    """A table may be described now and synced later."""
    assert not loaded(tmp_path, CACHE + SQLITE + SOURCE + "is_enabled = false\n").data_sources[0].is_enabled


def test_a_table_of_jde_that_is_not_known_needs_options(tmp_path: Path) -> None:
    """With any option of its own, `jde` takes every table."""
    text = CACHE + SQLITE + SOURCE.replace("F4801", "F0911") + 'mass.interval = "7d"\n'
    assert "does not know" in refused(tmp_path, text)
    found = loaded(tmp_path, text + 'fetcher_options = { columns = "all" }\n')
    assert found.data_sources[0].fetcher == "jde:F0911"


# ------------------------------------------------------------------------------------------------- secrets


def test_secrets_come_from_the_environment_a_file_or_a_command(tmp_path: Path) -> None:
    """One line end of a file and of a command's output is left out, and the value is what stood there."""
    (tmp_path / "password.txt").write_bytes(b" hunter2 \n\n")
    text = CACHE + SERVER + "password = {}\nport = {}\n"
    for reference, value in (
        ('{ env = "PW" }', "hunter2"),
        ('{ file = "password.txt" }', " hunter2 \n"),
        ('{ command = ["echo", "hunter2"] }', "hunter2"),
    ):
        options = loaded(
            tmp_path,
            text.replace("{}", reference, 1).replace("{}", '{ env = "PORT" }'),
            environ={"PW": "hunter2", "PORT": "1522", "PATH": "/usr/bin:/bin"},
        )
        found = typed(ServerOptions, options.source_systems["JDE"].options)
        assert found == ServerOptions(dsn="jde", password=SecretStr(value), port=1522)
        assert "hunter2" not in repr(options)


def test_json_has_references_too(tmp_path: Path) -> None:
    """In JSON they are written with capital letters, and case does not count."""
    text = '{ "DataSync": { "Cache": { "Url": { "ENV": "CACHE" }, "LockTimeout": { "Env": "WAIT" } } } }'
    found = loaded(tmp_path, text, "appsettings.json", {"CACHE": "sqlite:///c.db", "WAIT": "5s"}).cache
    assert (found.url, found.lock_timeout) == ("sqlite:///c.db", timedelta(seconds=5))


def test_a_command_that_does_not_end_is_a_problem(tmp_path: Path) -> None:
    """The command is given up after its time, and the message says so."""
    if shutil.which("sleep") is None:
        pytest.skip("there is no program to wait for")
    findings = Findings()
    references = References(
        environ=os.environ, base_directory=tmp_path, form=TOML, findings=findings, timeout=timedelta(seconds=0.1)
    )
    place = Span(0, 1)
    program = Array(items=(Leaf(value="sleep", place=place), Leaf(value="5", place=place)), place=place)
    entry = Entry(key="command", place=place, node=program)
    assert references.fetch(Table(entries=(entry,), place=place), "password") is None
    assert [found.message for found in findings.found] == [
        'password: the command "sleep" did not end within 0.1 seconds'
    ]


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    """Its bytes are not shown."""
    (tmp_path / "key").write_bytes(b"\xff\xfehunter2")
    message = refused(tmp_path, CACHE + SERVER + 'password = { file = "key" }\n')
    assert 'the file "key" is not UTF-8 text' in message
    assert "hunter2" not in message


def test_settings_outside_of_cache_and_source_systems_have_no_references(tmp_path: Path) -> None:
    """What is no secret is written where it is looked for."""
    message = refused(tmp_path, '[data_sync]\ncheck_interval = { env = "X" }\n' + CACHE, environ={"X": "5s"})
    assert "expected a duration longer than zero" in message


# --------------------------------------------------------------------------------------------- environment


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    """The names are those of TOML, joined by two underscores, whatever the form of the file."""
    environ = {
        "AFRESH__BATCH_SIZE": "7",
        "AFRESH__STRICT_SCHEDULES": "true",
        "AFRESH__LOOKBACK_MULTIPLIER": "1.5",
        "AFRESH__CHECK_INTERVAL": "5m",
        "AFRESH__CACHE__URL": "sqlite:///other.db",
        "AFRESH__SOURCE_SYSTEMS__CMS__MAX_SESSIONS": "1",
        "AFRESH__SOURCE_SYSTEMS__CMS__PATH": "cms.db",
        "AFRESH__DATA_SOURCES__0__IS_ENABLED": "false",
        "AFRESH__DATA_SOURCES__1__MASS__INTERVAL": "14d",
        "AFRESH_CONFIG": "something else",
    }
    for name in ("afresh.toml", "appsettings.json"):
        if name == "appsettings.json":
            environ["AFRESH__DATA_SOURCES__1__MASS_CONFIG__INTERVAL"] = environ.pop(
                "AFRESH__DATA_SOURCES__1__MASS__INTERVAL"
            )
        options = load(EXAMPLES / name, KINDS, environ)
        assert (options.batch_size, options.strict_schedules, options.lookback_multiplier) == (7, True, 1.5)
        assert options.check_interval == timedelta(minutes=5)
        assert options.cache.url == "sqlite:///other.db"
        assert options.source_systems["CMS"].max_sessions == 1
        assert options.source_systems["CMS"].options == {"path": Path("cms.db")}
        assert options.source_systems["JDE"].options == {"path": Path("source.db")}
        assert not options.data_sources[0].is_enabled
        assert options.data_sources[1].mass is not None
        assert options.data_sources[1].mass.interval == timedelta(days=14)


def test_the_environment_may_add_what_the_file_does_not_have(tmp_path: Path) -> None:
    """A container needs no file with a cache in it."""
    environ = {"AFRESH__CACHE__URL": "sqlite:///x.db", "AFRESH__SOURCE_SYSTEMS__JDE__KIND": "sqlite",
               "AFRESH__SOURCE_SYSTEMS__JDE__PATH": "x.db"}  # fmt: skip
    options = loaded(tmp_path, "[data_sync]\n", environ=environ)
    assert options.cache.url == "sqlite:///x.db"
    assert list(options.source_systems) == ["JDE"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AFRESH__BATCH_SIZE", "many", "data_sync.BATCH_SIZE: expected a whole number of at least 1"),
        ("AFRESH__BATCHSIZES", "5", 'unknown setting "BATCHSIZES"\n  Did you mean "batch_size"?'),
        ("AFRESH__DATA_SOURCES__5__TABLE_NAME", "x", "expected the number of an item, from 0 to 0, instead of 5"),
        ("AFRESH__CACHE____URL", "x", "joined by two underscores"),
        ("AFRESH__CACHE", "sqlite:///x.db", "expected a table"),
        ("AFRESH__CACHE__URL", "hunter2", "expected a URL"),
        ("AFRESH__CACHE__LOCK_TIMEOUT", "hunter2", "the value is not a duration"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, value: str, said: str) -> None:
    """The problem stands at the variable, and its value is not shown."""
    message = refused(tmp_path, CACHE + SQLITE + SOURCE + 'mass.interval = "7d"\n', environ={name: value})
    assert f"environment variable {name}: " in message
    assert said in message
    assert "hunter2" not in message


# -------------------------------------------------------------------------------------------------- places


def test_a_problem_tells_its_place_in_parts(tmp_path: Path) -> None:
    """A program that shows problems its own way has file, line, column, quote, message and suggestion."""
    path = tmp_path / "afresh.toml"
    path.write_text("[data_sync]\nbatchsize = 5\n" + CACHE)
    with pytest.raises(InvalidConfiguration) as caught:
        load(path, KINDS, {})
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(path), 2, 1)
    assert problem.quote == "    2 | batchsize = 5\n        ^^^^^^^^^"
    assert problem.message == 'data_sync: unknown setting "batchsize"'
    assert problem.suggestion == 'Did you mean "batch_size"?'


def test_columns_count_characters(tmp_path: Path) -> None:
    """Characters of several bytes count as one."""
    assert "afresh.toml:1:37: " in refused(tmp_path, 'data_sync = { "時間é" = "5s", cache = "x" }\n')


def test_a_file_that_is_not_there_or_not_readable_is_a_problem(tmp_path: Path) -> None:
    """The message names the file as it was given."""
    with pytest.raises(InvalidConfiguration, match=r"nowhere\.toml: there is no such file"):
        load(tmp_path / "nowhere.toml", KINDS, {})
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidConfiguration, match=r"cannot be read: not a directory"):
        load(tmp_path / "file" / "afresh.toml", KINDS, {})


def test_each_setting_tells_where_it_was_given(tmp_path: Path) -> None:
    """By line of the file, or by the variable that overrides it; what was given nowhere has its default."""
    text = CACHE + SQLITE + SOURCE + 'hourly = { interval = "1h" }\nfetcher_options = { schema_name = "PRODDTA" }\n'
    found = loaded(
        tmp_path, text, environ={"AFRESH__DATA_SOURCES__0__HOURLY__ENABLED": "true", "AFRESH__BATCH_SIZE": "5"}
    )
    table = ("data_sources", "WorkOrder")
    assert found.origin(*table, "table_name") == "afresh.toml, line 7"
    assert found.origin(*table, "hourly", "interval") == "afresh.toml, line 10"
    assert found.origin(*table, "hourly", "enabled") == "environment variable AFRESH__DATA_SOURCES__0__HOURLY__ENABLED"
    assert found.origin(*table, "fetcher_options", "schema_name") == "afresh.toml, line 11"
    assert found.origin("source_systems", "JDE", "kind") == "afresh.toml, line 4"
    assert found.origin("cache", "url") == "afresh.toml, line 2"
    assert found.origin("batch_size") == "environment variable AFRESH__BATCH_SIZE"
    assert found.origin(*table, "mass") == found.origin("check_interval") == "default"


def test_an_origin_tells_no_value(tmp_path: Path) -> None:
    """Neither a secret nor the reference to it is part of where it was given."""
    login = 'user = "u"\npassword = { env = "CANARY_NAME" }\n'
    found = loaded(
        tmp_path, CACHE + SERVER + login + SOURCE + 'hourly = { interval = "1h" }\n', environ={"CANARY_NAME": "canary"}
    )
    assert found.origin("source_systems", "JDE", "password") == "afresh.toml, line 7"
    assert "canary" not in str(dict(found.origins)).lower()
