"""Exit codes and messages of what goes wrong."""

import sys

import pytest
import typer
from tests.cli.cli_rig import Place

from afresh.cli.border import bordered
from afresh.cli.exits import Exit
from afresh.core import errors
from afresh.core.errors import AfreshError, ConfigurationError, Defect


def leaves(kind: type[AfreshError]) -> list[type[AfreshError]]:
    """All errors below a kind that have none below themselves."""
    below = kind.__subclasses__()
    return [leaf for one in below for leaf in leaves(one)] if below else [kind]


def exit_of(error: BaseException) -> int:
    """The exit code of a command that raises it."""

    def command() -> Exit:
        raise error

    with pytest.raises(typer.Exit) as ended:
        bordered(command)()
    return ended.value.exit_code


@pytest.mark.parametrize("kind", [kind for kind in leaves(AfreshError) if kind.__module__ == errors.__name__])
def test_an_error_that_is_understood_is_a_message_and_a_hint(
    kind: type[AfreshError], capsys: pytest.CaptureFixture[str]
) -> None:
    """Configuration errors end with 2, defects with 4, all others with 3; never with a traceback."""
    code = exit_of(kind("[red]it[/red] broke\x1b[2J", hint="Mend it."))
    assert code == (2 if issubclass(kind, ConfigurationError) else 4 if kind is Defect else 3)
    assert capsys.readouterr().err == "[red]it[/red] broke\\x1b[2J\nhint: Mend it.\n"


def test_an_error_that_is_not_understood_is_a_defect(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 4, the traceback, and a request to report it."""
    assert exit_of(ZeroDivisionError("division by zero")) == 4
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "ZeroDivisionError: division by zero" in told
    assert "Please report it" in told


def test_an_error_of_the_operating_system_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that may not be written ends with 3 and the name of the file."""
    assert exit_of(PermissionError(13, "Permission denied", "/etc/afresh.toml")) == 3
    assert "Permission denied: '/etc/afresh.toml'" in capsys.readouterr().err


def test_ctrl_c_in_a_short_command_ends_it_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a traceback."""
    assert exit_of(KeyboardInterrupt()) == 1
    assert capsys.readouterr().err == "Interrupted.\n"


def test_wrong_use_ends_with_2(place: Place) -> None:
    """An unknown command, an unknown option, a table that is not configured, two types at once."""
    assert place.bare("nothing").code == 2
    assert place.bare("status", "--nothing").code == 2
    unknown = place.afresh("sync", "Parts")
    assert unknown.code == 2
    assert "there is no data source 'Parts'" in unknown.err
    assert "The tables are: Part, LotUsage." in unknown.err
    for option, text in (("--since", "yesterday"), ("--until", "2026-13-01")):
        wrong = place.afresh("history", option, text)
        assert (wrong.code, wrong.out) == (2, "")
        assert f"{option}: '{text}' is n" in wrong.err
        assert "hint: Write a day, 2026-11-20, or a time: 2026-11-20 22:00 (UTC)" in wrong.err
    both = place.afresh("sync", "Part", "--mass", "--hourly")
    assert both.code == 2
    assert "--mass and --hourly exclude each other" in both.err


@pytest.mark.parametrize("command", ["check", "plan", "run", "status", "history"])
def test_without_a_configuration_no_command_starts(place: Place, command: str) -> None:
    """It ends with 2 and says where a configuration was looked for, and how one is made."""
    place.configuration.unlink()
    ran = place.bare(command)
    assert (ran.code, ran.out) == (2, "")
    assert "there is no afresh.toml and no appsettings.json" in ran.err
    assert "afresh init" in ran.err


@pytest.mark.parametrize("command", ["check", "plan", "run", "status", "history"])
def test_all_problems_of_a_configuration_are_shown(place: Place, command: str) -> None:
    """Every command ends with 2 and tells all problems at once, with line and column."""
    text = place.configuration.read_text()
    place.configuration.write_text(text.replace("check_interval", "chek_interval").replace('"table"', '"tabel"'))
    ran = place.afresh(command)
    assert (ran.code, ran.out) == (2, "")
    assert "The configuration has 2 problems." in ran.err
    assert "afresh.toml:3:1:" in ran.err
    assert 'Did you mean "table"?' in ran.err


def test_a_source_out_of_reach_ends_with_3(place: Place) -> None:
    """Check and sync say so; status shows the failure and ends with 1, for it could run."""
    (place.path / "source.db").unlink()
    check, sync, status = place.afresh("check"), place.afresh("sync", "Part"), place.afresh("status")
    assert (check.code, sync.code, status.code) == (3, 3, 1)
    assert "there is no file" in check.err
    assert "concerns: Part, LotUsage" in check.err
    assert "there is no file" in sync.err
    assert "there is no file" in status.out


def test_a_cache_out_of_reach_ends_with_3(place: Place) -> None:
    """A cache in a directory that does not exist is said so before anything is read."""
    place.configuration.write_text(place.configuration.read_text().replace("cache.db", "nowhere/cache.db"))
    ran = place.afresh("sync", "Part")
    assert ran.code == 3
    assert "nowhere" in ran.err


def test_a_source_that_shrank_is_refused_and_may_be_allowed_once(place: Place) -> None:
    """A Mass with far fewer rows fails with 1 and the way to allow it; allowed, it replaces the table."""
    assert place.afresh("sync", "LotUsage", "--mass").code == 0
    place.change_source("DELETE FROM F4111")
    refused = place.afresh("sync", "LotUsage", "--mass")
    assert refused.code == 1
    assert "--allow-shrink" in refused.err
    assert len(place.cached("SELECT * FROM LotUsage")) == 2
    assert place.afresh("sync", "LotUsage", "--mass", "--allow-shrink").code == 0
    assert place.cached("SELECT * FROM LotUsage") == []


def test_sync_without_a_type_says_which_it_chose(place: Place) -> None:
    """What is due first, then the smallest window that is scheduled."""
    first, second, third = (place.afresh("sync", "LotUsage") for _ in range(3))
    assert (first.code, second.code, third.code) == (0, 0, 0)
    assert "LotUsage: Mass, because it is due" in first.err
    assert "LotUsage: Daily, because nothing is due" in second.err
    assert place.cached("SELECT UpdateType FROM DataUpdate ORDER BY Id") == [(1,), (2,), (2,)]


def test_the_version_is_told(place: Place) -> None:
    """`--version` is one line."""
    ran = place.bare("--version")
    assert (ran.code, ran.out) == (0, "afresh 0.1.0\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such pipe")
def test_a_reader_that_leaves_early_is_no_defect(place: Place) -> None:
    """`afresh schema | head -1` ends without a traceback."""
    with place.process("schema") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        assert process.wait(20) == 1
    assert told == ""
