"""Writes docs/reference from the code: `python docs/generate.py`. A test fails while the two differ."""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import typer.main
from typer.core import TyperGroup

from afresh import wiring
from afresh.caches import duckdb_sql, postgres_types, sqlite_sql, sqlserver_types
from afresh.cli.app import app
from afresh.cli.exits import Exit
from afresh.config.document import reference
from afresh.core import errors, events
from afresh.core.cause import NEEDS_A_PERSON, OF_ERROR, Cause
from afresh.core.model import Phase
from afresh.core.sentences import WORDS
from afresh.core.states import LOOKS, WORST_FIRST
from afresh.sinks.instruments import INSTRUMENTS, METER
from afresh.sinks.traces import OPERATIONS, OTHER, SYSTEMS
from afresh.testing import kit_report, source_report
from afresh.testing.kit_report import Record
from afresh.testing.kit_rig import PROOFS
from afresh.testing.markdown import anchor, table
from afresh.testing.source_pages import CacheColumns, sources_page, types_page

REFERENCE = Path(__file__).parent / "reference"
RECORDS = REFERENCE / "caches.json"
SOURCE_RECORDS = REFERENCE / "sources.json"
_NOTE = "<!-- Made by docs/generate.py from the code; changes made here are lost. -->\n"


def pages() -> dict[str, str]:
    """Each page of the reference by its file name."""
    return {
        "options.md": _page(_options()),
        "commands.md": _page(_commands()),
        "events.md": _page(_events()),
        "errors.md": _page(_errors()),
        "states.md": _page(_states()),
        "metrics.md": _page(_metrics()),
        "caches.md": _page(_caches()),
        "sources.md": _page(sources_page(source_report.read(SOURCE_RECORDS), _kinds_of(wiring.SOURCES))),
        "types.md": _page(types_page(source_report.read(SOURCE_RECORDS), _cache_columns())),
    }


def _page(lines: Iterator[str]) -> str:
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip())
    return f"{_NOTE}\n{text}\n"


# ------------------------------------------------------------------------------------------------- options


def _options() -> Iterator[str]:
    # Our own kinds alone, whatever else is installed where this runs.
    yield reference(dataclasses.replace(wiring.KINDS, sources=wiring.SOURCES, caches=wiring.CACHES))


# ------------------------------------------------------------------------------------------------ commands


def _commands() -> Iterator[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    yield "# Commands\n"
    yield f"{group.help} Results go to stdout, progress and errors to stderr.\n"
    yield from table(("Exit code", "Meaning"), [(f"{code.value}", _member_doc(code)) for code in Exit])
    for name, command in group.commands.items():
        yield from _command(name, command)


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    shown = "".join(
        f" {_metavar(parameter)}" if parameter.required else f" [{_metavar(parameter)}]" for parameter in arguments
    )
    yield f"\n## afresh {name}\n"
    yield f"{command.help}\n"
    yield f"```text\nafresh {name}{shown}{' [OPTIONS]' if options else ''}\n```\n"
    rows = [(f"`{_metavar(parameter)}`", parameter.help or "", "") for parameter in arguments]
    rows += [
        (", ".join(f"`{opt}`" for opt in parameter.opts), parameter.help or "", _default(parameter.default))
        for parameter in options
        if "--help" not in parameter.opts
    ]
    yield from table(("Parameter", "What it does", "Default"), rows)


def _metavar(parameter: object) -> str:
    return str(getattr(parameter, "metavar", None) or getattr(parameter, "name", "")).upper()


def _default(value: object) -> str:
    if value is None or value is False:
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


# -------------------------------------------------------------------------------------------------- events


def _events() -> Iterator[str]:
    yield "# Events\n"
    yield (
        "What happens is one stream of values; the log and progress are made from it, and a program may listen too "
        "([embed it](../how-to/embed.md)). No event carries a secret or a data value. Every event has `at`, the "
        "instant of the service's clock.\n"
    )
    yield from _below(events.Event)


def _below(parent: type[events.Event]) -> Iterator[str]:
    inherited = {field.name for field in dataclasses.fields(parent)}
    for kind in _kinds(parent):
        own = [field for field in dataclasses.fields(kind) if field.name not in inherited]
        known = f" Has what every `{parent.__name__}` has, and:" if parent is not events.Event else ""
        yield f"\n## {kind.__name__}\n"
        yield f"{inspect.getdoc(kind)}{known if own else ''}\n"
        yield from table(("Field", "Type"), [(f"`{field.name}`", f"`{_type(field.type)}`") for field in own])
        yield from _below(kind)


def _kinds(parent: type[events.Event]) -> list[type[events.Event]]:
    """The events right below one. A dataclass with slots has a double without, which does not count."""
    return [kind for kind in parent.__subclasses__() if vars(events).get(kind.__name__) is kind]


def _type(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    for module in ("afresh.core.model.", "afresh.core.errors.", "datetime."):
        text = text.replace(module, "")
    return text


# -------------------------------------------------------------------------------------------------- errors


def _errors() -> Iterator[str]:
    yield "# Errors\n"
    yield (
        "Everything that can go wrong is one of these. *Tried again* says that the same sync may succeed later "
        "without a change; every failed sync is tried again by the schedule anyway. The hint is what an error says "
        "if it knows nothing better.\n"
    )
    yield "```text\n" + _drawing() + "\n```\n"
    rows = [
        (f"`{kind.__name__}`", inspect.getdoc(kind) or "", "yes" if kind.transient else "no", kind.default_hint)
        for kind in _tree(errors.AfreshError)
    ]
    yield from table(("Error", "Meaning", "Tried again", "Hint"), rows)


def _drawing() -> str:
    """The tree as it is drawn in the module."""
    drawn = inspect.getdoc(errors) or ""
    return drawn.split("\n\n")[1]


def _tree(parent: type[errors.AfreshError]) -> Iterator[type[errors.AfreshError]]:
    for kind in parent.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _tree(kind)


# -------------------------------------------------------------------------------------------------- caches

SUPPORTED = {"postgresql": ("15", "16", "17", "18"), "mssql": ("2017", "2019", "2022", "2025", "Azure SQL Database")}
"""Versions that an adapter is written for, where there is more than one."""


def _caches() -> Iterator[str]:
    found = kit_report.read(RECORDS)
    yield "# Caches\n"
    yield (
        "Every cache has to pass one conformance kit, `afresh.testing.cache_kit`: it makes, fills, reloads, cancels "
        "and kills, and looks at what another program reads. This page says on what the kit was really run, and with "
        "what result. What a cache cannot do is a gap: a test that has to fail, with the reason. `make caches` runs it "
        "again and writes this page; servers other than those that the tests start are named by "
        "`AFRESH_TEST_POSTGRES_URL` and `AFRESH_TEST_SQLSERVER_URL`. "
        "A cache of your own: [add a cache](../how-to/add-a-cache.md).\n"
    )
    rows = [row for names in _kinds_of(wiring.CACHES) for row in _tested(names, found)]
    headings = ("Cache", "URL", "Version", "Reached by", "Tests", "Passed", "Gaps", "Failed or skipped")
    yield from table(headings, rows)
    for record in found:
        yield from _cache(record)


def _kinds_of(wired: Mapping[str, object]) -> list[list[str]]:
    """The names of each kind that there is."""
    kinds = list(dict.fromkeys(id(kind) for kind in wired.values()))
    return [[name for name, kind in wired.items() if id(kind) == one] for one in kinds]


def _cache_columns() -> list[CacheColumns]:
    """Each cache with its own function that says the type of a column, and its newest record."""
    newest = {record.kind: record for record in kit_report.read(RECORDS)}
    return [
        CacheColumns(name=name, storage=storage, record=newest.get(kind))
        for name, kind, storage in (
            ("SQLite", "sqlite", lambda column: sqlite_sql.storage(column.type)),
            ("DuckDB", "duckdb", lambda column: duckdb_sql.storage(column.type)),
            ("PostgreSQL", "postgresql", lambda column: postgres_types.native(column.type, column.length)),
            ("SQL Server", "mssql", sqlserver_types.storage),
        )
    ]


def _tested(names: list[str], found: Sequence[Record]) -> list[tuple[str, ...]]:
    """A row for each version: those that were tested, then those that were not."""
    urls = ", ".join(f"`{name}://`" for name in names)
    ours = [record for record in found if record.kind in names]
    rows = [
        (
            f"[{record.product}](#{anchor(f'{record.product} {record.version}')})",
            urls,
            record.version,
            f"{record.by}; Python {record.python}",
            f"{record.tests}",
            f"{record.passed}",
            f"{len(record.gaps)}",
            f"{len(record.failed) + len(record.skipped)}",
        )
        for record in ours
    ]
    versions = [version for name in names for version in SUPPORTED.get(name, ())] or ([] if ours else ["any"])
    without = [v for v in versions if not any(record.version.partition(".")[0] == v for record in ours)]
    product = ours[0].product if ours else names[0]
    return rows + [(product, urls, version, "not tested", "0", "0", "", "") for version in without]


def _cache(record: Record) -> Iterator[str]:
    yield f"\n## {record.product} {record.version}\n"
    if record.note:
        yield f"{record.note}\n"
    rows = [
        (f"`{name}`", record.capabilities.get(name, ""), ", ".join(f"`{test}`" for test in tests))
        for name, tests in PROOFS.items()
    ]
    yield from table(("What it says of itself", "", "Shown by"), rows)
    yield from table(("Gap", "Reason"), [(f"`{test}`", reason) for test, reason in record.gaps.items()])
    missed = [(f"`{test}`", "failed") for test in record.failed]
    missed += [(f"`{test}`", "skipped") for test in record.skipped]
    yield from table(("Not passed", ""), missed)
    if record.refusals:
        yield f"Values that stop a sync, with the column named: {'; '.join(record.refusals)}.\n"


# ------------------------------------------------------------------------------------------------- states


def _states() -> Iterator[str]:
    yield "# States and causes\n"
    yield (
        "How a table stands, as commands and everything else that shows it say it. Worst first, as `afresh status` "
        "lists them. [What they mean together](../explanation/states.md).\n"
    )
    looks = [(state, LOOKS[state]) for state in WORST_FIRST]
    yield from table(
        ("State", "Sign", "Colour", "Meaning"),
        [(str(state), look.glyph, look.colour, look.meaning) for state, look in looks],
    )
    yield "\nEvery state but Fresh has one of these causes.\n"
    of_errors = {
        cause: ", ".join(f"`{kind.__name__}`" for kind, meant in OF_ERROR.items() if meant is cause) for cause in Cause
    }
    yield from table(
        ("Cause", "What it says", "Command", "Needs you", "Errors that mean it"),
        [
            (
                str(cause),
                _told(WORDS[cause].happened),
                f"`afresh {' '.join(WORDS[cause].command)}`",
                "yes" if cause in NEEDS_A_PERSON else "no",
                of_errors[cause],
            )
            for cause in Cause
        ],
    )


# ------------------------------------------------------------------------------------------------ metrics


def _metrics() -> Iterator[str]:
    yield "# Metrics and traces\n"
    yield (
        f"The instruments of the meter `{METER}`, read at `/metrics` or sent by OTLP "
        "([monitor it](../how-to/monitor.md)). Counters and histograms count what this process did; gauges show the "
        "judgement of the cache's log, the same as `afresh status` and the pages.\n"
    )
    yield from table(
        ("Instrument", "In Prometheus", "Kind", "Unit", "Attributes", "Meaning"),
        [
            (
                f"`{one.name}`",
                f"`{one.prometheus}`",
                str(one.kind),
                one.unit.strip("{}"),
                ", ".join(f"`{name}`" for name in one.attributes),
                one.meaning,
            )
            for one in INSTRUMENTS
        ],
    )
    for one in INSTRUMENTS:
        if one.buckets:
            yield f"Upper bounds of the buckets of `{one.name}`: {', '.join(f'{bound:,}' for bound in one.buckets)}.\n"
    yield "## Traces\n"
    yield (
        f"The tracer `{METER}` makes a span `sync TABLE` for each sync, with `table`, `update_type`, `source_system`, "
        "`sync.operation_id` and `sync.outcome`; after a success also `sync.records` and its parts (inserted, "
        "updated, unchanged, deleted, duplicates); after a failure the status is an error, with `error.type` and the "
        "cause. Each phase is a child from its first begin to its last end; phases take turns batch by batch, so "
        "`sync.spent.seconds` says how much of that was its own. No span has a statement, a parameter, a value or the "
        "text of an error.\n"
    )
    rows = [
        (f"`{phase}`", "client" if phase in OPERATIONS else "internal", OPERATIONS.get(phase, "")) for phase in Phase
    ]
    yield from table(("Child span", "Kind", "`db.operation.name`"), rows)
    yield from table(
        ("Kind of database", "`db.system.name`"),
        [*((f"`{kind}`", f"`{name}`") for kind, name in SYSTEMS.items()), ("any other", f"`{OTHER}`")],
    )


def _told(happened: str) -> str:
    """What happened, without the facts of a case; of some causes the facts are all there is."""
    text = re.sub(r"\{\w+\}", "", happened).strip().rstrip(":")
    return text or "see the case"


# --------------------------------------------------------------------------------------------------- text


def _member_doc(member: Enum) -> str:
    """The text below a member of an enumeration, which Python does not keep."""
    body = ast.parse(textwrap.dedent(inspect.getsource(type(member)))).body[0]
    assert isinstance(body, ast.ClassDef)
    for node, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == member.name:
            assert isinstance(following, ast.Expr)
            return str(ast.literal_eval(following.value))
    raise LookupError(f"{member!r} has no text")


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
