"""`afresh init`: a configuration to begin with, and a sample source to try it on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from afresh.cli import init_source, sample_file, starter
from afresh.cli.arguments import Json
from afresh.cli.exits import Exit
from afresh.cli.forms import FormName
from afresh.cli.init_source import Wanted, Written
from afresh.cli.output import write, write_json
from afresh.core.account import JsonValue
from afresh.core.errors import ConfigurationError

_NAMES = {FormName.TOML: "afresh.toml", FormName.JSON: "appsettings.json"}
_ENDINGS = {".toml": FormName.TOML, ".json": FormName.JSON}


def init(
    path: Annotated[
        Path | None, typer.Argument(help="The file to write, or the directory for it.", metavar="PATH")
    ] = None,
    form: Annotated[FormName | None, typer.Option(help="Form of the file; by default as PATH ends, or toml.")] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Also make a sample source, to run at once.")] = False,
    rows: Annotated[int, typer.Option(help="Rows of the sample source, in all.", min=1)] = sample_file.ROWS,
    source: Annotated[
        str | None,
        typer.Option(
            help="Ask this source for its tables and write a configuration of them: "
            "`postgres://reader@host/erp`, `sqlite:///erp.db`.",
            metavar="URL",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="With --source: name of the source system in the configuration.")
    ] = init_source.DEFAULT_NAME,
    schema: Annotated[str | None, typer.Option(help="With --source: only tables of this schema (owner).")] = None,
    tables: Annotated[
        list[str] | None, typer.Option(help="With --source: only tables that fit, such as 'F4*'; may be repeated.")
    ] = None,
    views: Annotated[bool, typer.Option("--views", help="With --source: views too.")] = False,
    time_zone: Annotated[str, typer.Option(help="With --source: zone of its wall clock readings.")] = "UTC",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json: Json = False,
) -> Exit:
    """Writes a commented configuration to begin with; with --sample also a source, so that `afresh run` works."""
    target, chosen = _target(path, form)
    if source is not None:
        wanted = Wanted(url=source, name=name, schema=schema, patterns=tables or (), views=views, time_zone=time_zone)
        return _from_source(wanted, target, chosen, sample=sample, force=force, json=json)
    made = target.with_name(starter.SOURCE_FILE)
    for file in (target, *((made,) if sample else ())):
        _refuse_to_replace(file, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(starter.configuration(chosen), encoding="utf-8")
    if sample:
        sample_file.remove(made)
        sample_file.make(made, rows=rows, now=datetime.now(UTC), stamp_indexes=False)
    if json:
        write_json({"configuration": str(target), "form": str(chosen), "source": str(made) if sample else None})
    else:
        _show(target, made if sample else None)
    return Exit.GOOD


def _from_source(wanted: Wanted, target: Path, form: FormName, *, sample: bool, force: bool, json: bool) -> Exit:
    if form is not FormName.TOML or sample:
        raise ConfigurationError(
            "--source writes TOML, and excludes --sample", hint="Leave out --form and --sample, or --source."
        )
    _refuse_to_replace(target, force=force)
    written = init_source.configuration(wanted, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(written.text, encoding="utf-8")
    if json:
        write_json(_source_json(target, written))
    else:
        _show_source(target, written)
    return Exit.GOOD


def _show_source(target: Path, written: Written) -> None:
    found = written.found
    kept = sum(proposal.fetcher is not None for proposal in found.proposals)
    write(f"Wrote {target}: {kept} tables of {found.account.version}.")
    if kept < len(found.proposals):
        write(f"{len(found.proposals) - kept} tables need a decision first; they stand in it as comments.")
    if found.unread:
        write(f"{len(found.unread)} tables could not be described; it says why.")
    if found.left_out:
        write(f"{len(found.left_out)} tables and views were left out; --tables, --schema and --views choose.")
    if written.variable:
        write(f"The password is not in it: set the environment variable {written.variable} wherever it is used.")
    named = "" if target == Path("afresh.toml") else f" -c {target}"
    write("Read it, then:")
    write(f"  afresh check{named} --connect")


def _source_json(target: Path, written: Written) -> JsonValue:
    found = written.found
    return {
        "configuration": str(target),
        "form": str(FormName.TOML),
        "tables": [proposal.name for proposal in found.proposals if proposal.fetcher is not None],
        "undecided": [
            {"table": str(proposal.table), "question": proposal.open_question}
            for proposal in found.proposals
            if proposal.fetcher is None
        ],
        "unread": [{"table": name, "reason": reason} for name, reason in found.unread],
        "left_out": [str(summary.table) for summary in found.left_out],
        "password_variable": written.variable,
    }


def _target(path: Path | None, form: FormName | None) -> tuple[Path, FormName]:
    if path is None or path.is_dir():
        chosen = form or FormName.TOML
        return (path or Path()) / _NAMES[chosen], chosen
    ending = _ENDINGS.get(path.suffix.lower())
    if ending is None:
        raise ConfigurationError(f"{path} ends neither in .toml nor in .json", hint="Give it one of these endings.")
    if form is not None and form is not ending:
        raise ConfigurationError(f"{path} is not the name of a {form} file", hint="Leave out --form, or rename it.")
    return path, ending


def _refuse_to_replace(file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        raise ConfigurationError(f"{file} exists already", hint="Choose another place, or replace it with --force.")


def _show(target: Path, source: Path | None) -> None:
    named = "" if target == Path("afresh.toml") or target == Path("appsettings.json") else f" -c {target}"
    write(f"Wrote {target}.")
    if source is None:
        write("Now say in it where your source systems are, and which of their tables to keep. Then:")
    else:
        write(f"Made the sample source {source}. Now:")
    for command, what in (
        ("check", "see whether all is well"),
        ("plan", "see what would run, and with which SQL"),
        ("run", "keep the tables fresh until Ctrl-C"),
        ("status", "see how they stand, also while it runs"),
    ):
        write(f"  afresh {command + named:<24} {what}")
