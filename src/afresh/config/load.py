"""A configuration file as `DataSyncOptions`, or every reason why it is none."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from afresh.config import json_form, toml_form, words
from afresh.config.bind import Binder
from afresh.config.checks import check
from afresh.config.draft import Draft, drafted, homes
from afresh.config.findings import WHOLE, Findings
from afresh.config.form import JSON, TOML, Form
from afresh.config.kinds import Kinds
from afresh.config.masks import by_tree, everything
from afresh.config.nodes import Table
from afresh.config.origins import origins
from afresh.config.overrides import overlaid
from afresh.config.problems import InvalidConfiguration, Problem
from afresh.config.references import References
from afresh.config.scalars import INVALID
from afresh.config.text import Text, quoted
from afresh.core.options import CacheConfig, DataSyncOptions

_FORMS = {".toml": TOML, ".json": JSON}


def load(path: Path, kinds: Kinds, environ: Mapping[str, str] | None = None) -> DataSyncOptions:
    """The options of a `.toml` or `.json` file; relative paths in them start at its directory.

    `environ` is the environment that overrides and secrets are taken from, by default the process's. Raises
    `InvalidConfiguration` with all problems at once.
    """
    text, form = _read(path)
    try:
        return _loaded(path, text, form, kinds, os.environ if environ is None else environ)
    except RecursionError:
        raise _unreadable(path, "lists or tables are nested too deeply") from None


def _loaded(path: Path, text: Text, form: Form, kinds: Kinds, environ: Mapping[str, str]) -> DataSyncOptions:
    findings = Findings()
    root, partial = toml_form.read(text, findings) if form is TOML else (json_form.read(text, findings), False)
    options: DataSyncOptions | None = None
    found: Mapping[tuple[str, ...], str] = {}
    if root is not None:
        findings.hidden.extend(by_tree(root))
        section = _section(root, form, findings)
        if section is not None:
            binder = _binder(form, text, findings, environ, path)
            draft = drafted(overlaid(section, environ, findings), binder, kinds, form.section)
            check(draft, binder, kinds)
            options = None if findings.found else _options(draft, binder)
            found = origins(draft, text)
    problems = findings.problems(text, partial=partial)
    if problems or options is None:
        raise InvalidConfiguration(problems)
    return replace(options, base_directory=path.absolute().parent, origins=found)


def _binder(form: Form, text: Text, findings: Findings, environ: Mapping[str, str], path: Path) -> Binder:
    return Binder(
        form=form,
        text=text,
        findings=findings,
        homes=homes(form.section, form.spelling),
        references=References(environ=environ, base_directory=path.absolute().parent, form=form, findings=findings),
    )


def _options(draft: Draft, binder: Binder) -> DataSyncOptions | None:
    assert draft.cache is not None, "a missing cache is a finding"
    cache = binder.build(CacheConfig, draft.cache)
    found = binder.build(
        DataSyncOptions,
        draft.bound,
        {
            **draft.bound.values,
            "cache": cache,
            "source_systems": {system.name: system.config for system in draft.systems},
            "data_sources": tuple(source.config for source in draft.sources),
        },
    )
    return None if found is INVALID or cache is INVALID else found


# ------------------------------------------------------------------------------------------------ the file


def _read(path: Path) -> tuple[Text, Form]:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        raise _unreadable(path, "expected the name of a .toml or .json file")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file", "Run `afresh init` to make one.") from None
    except IsADirectoryError:
        raise _unreadable(path, "this is a directory, not a file") from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {(error.strerror or 'failed').lower()}") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unreadable(path, "the file is UTF-16", "Save it as UTF-8.")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        column = len(data[start : error.start].decode()) + 1
        problem = Problem(
            file=str(path),
            line=line,
            column=column,
            message=f"the file is not UTF-8: the byte 0x{data[error.start]:02x} belongs to no character",
            suggestion="Save it as UTF-8.",
        )
        raise InvalidConfiguration([problem]) from None
    return Text(str(path), data), form


def _unreadable(path: Path, message: str, suggestion: str = "") -> InvalidConfiguration:
    return InvalidConfiguration([Problem(file=str(path), message=message, suggestion=suggestion)])


def _section(root: Table, form: Form, findings: Findings) -> Table | None:
    """The section that is ours. In JSON the file has other masters too; in TOML it has not."""
    found = None
    for entry in root.entries:
        if form.fold(entry.key) == form.fold(form.section):
            if found is not None:
                findings.add(entry.place, f"{quoted(entry.key)} is given twice")
            found = found or entry
            continue
        findings.hidden.extend(everything(entry.node))
        if not form.folds:
            findings.add(
                entry.place,
                f"unknown {'table' if isinstance(entry.node, Table) else 'setting'} {quoted(entry.key)}",
                words.did_you_mean(entry.key, [form.section], otherwise=f"All settings are in [{form.section}]."),
            )
    if found is None:
        example = f"[{form.section}]" if form is TOML else f'{{ "{form.section}": {{ ... }} }}'
        names = [entry.key for entry in root.entries]
        meant = words.alike(form.section, names)
        suggestion = f"{quoted(meant)} is there; did you mean {quoted(form.section)}?" if meant and form is JSON else ""
        if any(words.alike(entry.key, [form.section]) for entry in root.entries) and not form.folds:
            return None
        findings.add(WHOLE, f"there is no section {example}", suggestion, absence=True)
        return None
    if not isinstance(found.node, Table):
        findings.add(
            found.node.place,
            f"{form.section}: expected {words.expected(dict[str, object], form)}, got {words.got(found.node, form)}",
        )
        return None
    return found.node
