"""`afresh check`: whether the configuration can work, the sources answer, and the cache tables fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from afresh.cli import configuration
from afresh.cli.configuration import ConfigPath, Json
from afresh.cli.exits import Exit
from afresh.cli.output import say, write, write_json
from afresh.config.problems import InvalidConfiguration, Problem
from afresh.core import drift
from afresh.core.account import JsonValue
from afresh.core.errors import AfreshError, ConfigurationError, SchemaDiffers
from afresh.engine.service import Service
from afresh.engine.sync import Table


class Kind(StrEnum):
    """What is wrong."""

    CONFIGURATION = "configuration"
    SOURCE_OR_CACHE = "source or cache"
    TABLE = "cache table"


_EXITS = {Kind.CONFIGURATION: Exit.WRONG, Kind.SOURCE_OR_CACHE: Exit.COULD_NOT_RUN, Kind.TABLE: Exit.NOT_GOOD}
_GRAVEST = (Exit.WRONG, Exit.COULD_NOT_RUN, Exit.NOT_GOOD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, and the tables it concerns; none for the configuration as a whole."""

    kind: Kind
    message: str
    hint: str = ""
    tables: tuple[str, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found, and what the next sync would do to the cache by itself."""

    tables: int = 0
    findings: tuple[Finding, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def exit(self) -> Exit:
        """The gravest of what was found."""
        found = {_EXITS[finding.kind] for finding in self.findings}
        return next((exit_code for exit_code in _GRAVEST if exit_code in found), Exit.GOOD)


def check(config: ConfigPath = None, json: Json = False) -> Exit:
    """Checks the configuration, asks every source for its tables, and compares them with the cache."""
    checked = run(config)
    if json:
        write_json(_as_json(checked))
    else:
        _show(checked)
    return checked.exit


def run(path: Path | None) -> Checked:
    """Everything that is wrong, all at once."""
    try:
        service = configuration.service(path)
    except InvalidConfiguration as error:
        found = (
            Finding(kind=Kind.CONFIGURATION, message=problem.message, hint=problem.suggestion, problem=problem)
            for problem in error.problems
        )
        return Checked(findings=tuple(found))
    except ConfigurationError as error:
        return Checked(findings=(Finding(kind=Kind.CONFIGURATION, message=error.message, hint=error.hint),))
    try:
        looked_at = [_look_at(name, table, service) for name, table in service.tables.items()]
    finally:
        service.release()
    return Checked(
        tables=len(service.tables),
        findings=tuple(_merged([finding for finding, _change in looked_at if finding is not None])),
        changes=tuple(change for _finding, change in looked_at if change),
    )


def _look_at(name: str, table: Table, service: Service) -> tuple[Finding | None, str]:
    try:
        wanted = table.fetcher.schema()
        existing = service.workplace.cache.describe(name, wanted)
        if existing is None:
            return None, f"{name}: the first sync will make the table, with {len(wanted.columns)} columns"
        added = drift.check(name, existing, wanted)
    except ConfigurationError as error:
        return _finding(Kind.CONFIGURATION, name, error), ""
    except SchemaDiffers as error:
        return _finding(Kind.TABLE, name, error), ""
    except AfreshError as error:
        return _finding(Kind.SOURCE_OR_CACHE, name, error), ""
    if added:
        return None, f"{name}: the next sync will add {', '.join(column.name for column in added)}"
    return None, ""


def _finding(kind: Kind, name: str, error: AfreshError) -> Finding:
    return Finding(kind=kind, message=error.message, hint=error.hint, tables=(name,))


def _merged(findings: Sequence[Finding]) -> Iterator[Finding]:
    """What is wrong with several tables in the same words, once."""
    same: dict[tuple[Kind, str, str], list[str]] = {}
    for finding in findings:
        same.setdefault((finding.kind, finding.message, finding.hint), []).extend(finding.tables)
    for (kind, message, hint), tables in same.items():
        yield Finding(kind=kind, message=message, hint=hint, tables=tuple(tables))


def _show(checked: Checked) -> None:
    problems = [finding.problem for finding in checked.findings if finding.problem is not None]
    if problems:
        say(InvalidConfiguration(problems).message)
        return
    for finding in checked.findings:
        message = finding.message
        others = [name for name in finding.tables if not message.startswith(name)]
        say(f"{message}" + (f"\n  concerns: {', '.join(others)}" if others else ""))
        if finding.hint:
            say(f"  hint: {finding.hint}")
    for change in checked.changes:
        write(change)
    if not checked.findings:
        write(f"All is good: {checked.tables} tables.")


def _as_json(checked: Checked) -> JsonValue:
    return {
        "good": not checked.findings,
        "tables": checked.tables,
        "findings": [
            {
                "kind": str(finding.kind),
                "message": finding.message,
                "hint": finding.hint or None,
                "tables": list(finding.tables),
                "file": finding.problem.file if finding.problem else None,
                "line": finding.problem.line if finding.problem else None,
                "column": finding.problem.column if finding.problem else None,
            }
            for finding in checked.findings
        ],
        "changes": list(checked.changes),
    }
