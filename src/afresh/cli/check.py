"""`afresh check`: whether the configuration can work, the sources answer, and the cache tables fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from afresh.cli import configuration
from afresh.cli import connect as connecting
from afresh.cli.arguments import ConfigPath, Json
from afresh.cli.connect import SourceLook, look_at_source, look_at_table
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
    DATA = "data"


_EXITS = {
    Kind.CONFIGURATION: Exit.WRONG,
    Kind.SOURCE_OR_CACHE: Exit.COULD_NOT_RUN,
    Kind.TABLE: Exit.NOT_GOOD,
    Kind.DATA: Exit.NOT_GOOD,
}
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
    """What a check found, and what the next sync would do to the cache by itself. `warnings` are no findings: all can
    work, and a person should know."""

    tables: int = 0
    findings: tuple[Finding, ...] = ()
    changes: tuple[str, ...] = ()
    sources: tuple[SourceLook, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()
    """What is to be known of which table."""

    @property
    def exit(self) -> Exit:
        """The gravest of what was found."""
        found = {_EXITS[finding.kind] for finding in self.findings}
        return next((exit_code for exit_code in _GRAVEST if exit_code in found), Exit.GOOD)


def check(
    config: ConfigPath = None,
    connect: Annotated[
        bool,
        typer.Option(
            "--connect",
            help="Also test logins and rights, clocks, and keys, stamps and types by the first rows of each table, "
            "and say what to ask the administrators for.",
        ),
    ] = False,
    json: Json = False,
) -> Exit:
    """Checks the configuration, asks every source for its tables, and compares them with the cache."""
    checked = run(config, connect=connect)
    if json:
        write_json(_as_json(checked))
    else:
        _show(checked)
    return checked.exit


def run(path: Path | None, *, connect: bool = False) -> Checked:
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
        return _connected(service) if connect else _looked_at(service, service.tables)
    finally:
        service.release()


def _looked_at(service: Service, tables: Mapping[str, Table]) -> Checked:
    found = [_look_at(name, table, service) for name, table in tables.items()]
    return Checked(
        tables=len(service.tables),
        findings=tuple(_merged([finding for finding, _change in found if finding is not None])),
        changes=tuple(change for _finding, change in found if change),
    )


def _connected(service: Service) -> Checked:
    """Sources first; the tables of one that cannot be asked are not tried, lest its account be locked."""
    sources = tuple(look_at_source(name, service) for name in service.sources)
    failed = {look.name: look.error for look in sources if look.error is not None}
    tables = {name: table for name, table in service.tables.items() if table.config.source_system not in failed}
    checked = _looked_at(service, tables)
    findings = [
        Finding(kind=Kind.SOURCE_OR_CACHE, message=error.message, hint=error.hint, tables=_tables_of(service, name))
        for name, error in failed.items()
    ]
    wrong = {name for finding in checked.findings for name in finding.tables}
    looks = {name: look_at_table(name, table, service) for name, table in tables.items() if name not in wrong}
    for name, look in looks.items():
        findings += [Finding(kind=Kind.DATA, message=fault, tables=(name,)) for fault in look.faults]
        if look.error is not None:
            findings.append(_finding(Kind.SOURCE_OR_CACHE, name, look.error))
    return replace(
        checked,
        findings=(*checked.findings, *_merged(findings)),
        sources=sources,
        warnings=tuple((name, warning) for name, look in looks.items() for warning in look.warnings),
    )


def _tables_of(service: Service, system: str) -> tuple[str, ...]:
    return tuple(name for name, table in service.tables.items() if table.config.source_system == system)


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
    for look in checked.sources:
        for line in connecting.lines(look):
            write(line)
    for table, warning in checked.warnings:
        write(f"{table}: {warning}")
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
        "sources": [connecting.as_json(look) for look in checked.sources],
        "warnings": [{"table_name": name, "message": message} for name, message in checked.warnings],
    }
