"""`afresh init`: a configuration to begin with, and a sample source to try it on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from afresh.cli import sample_file, starter
from afresh.cli.configuration import Json
from afresh.cli.exits import Exit
from afresh.cli.forms import FormName
from afresh.cli.output import write, write_json
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
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    json: Json = False,
) -> Exit:
    """Writes a commented configuration to begin with; with --sample also a source, so that `afresh run` works."""
    target, chosen = _target(path, form)
    source = target.with_name(starter.SOURCE_FILE)
    for file in (target, *((source,) if sample else ())):
        _refuse_to_replace(file, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(starter.configuration(chosen), encoding="utf-8")
    if sample:
        sample_file.remove(source)
        sample_file.make(source, rows=rows, now=datetime.now(UTC), stamp_indexes=False)
    if json:
        write_json({"configuration": str(target), "form": str(chosen), "source": str(source) if sample else None})
    else:
        _show(target, source if sample else None)
    return Exit.GOOD


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
