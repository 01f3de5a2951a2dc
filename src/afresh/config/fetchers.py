"""Which fetcher a data source means, and which post-processor."""

from dataclasses import dataclass

from afresh.config import words
from afresh.config.bind import Binder, Bound
from afresh.config.kinds import Kinds
from afresh.config.nodes import Table
from afresh.config.shape import spelled
from afresh.config.text import quoted
from afresh.core.errors import ConfigurationError
from afresh.core.kinds import FetcherKind
from afresh.core.options import DataSourceConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A fetcher that exists. `kind` is None for one whose options cannot be checked here."""

    kind: FetcherKind | None
    needs_source: bool


def choose(bound: Bound, binder: Binder, kinds: Kinds) -> Chosen | None:
    """The fetcher that the data source names; None, with a finding, if there is no such."""
    processor = bound.values.get("post_processor")
    if isinstance(processor, str) and kinds.resolve is not None:
        _resolved(processor, "post_processor", "post-processor", bound, binder, kinds)
    name = bound.values.get("fetcher")
    if not isinstance(name, str):
        return None
    if name in kinds.fetchers:
        return _built_in(name, "", bound, binder, kinds)
    head, colon, argument = name.partition(":")
    if colon and head in kinds.fetchers:
        return _built_in(head, argument, bound, binder, kinds)
    if kinds.resolve is not None:
        found = _resolved(name, "fetcher", "fetcher", bound, binder, kinds)
        if found is None:
            return None
        if isinstance(found, FetcherKind):
            return Chosen(kind=found, needs_source=found.needs_source)
        return _own(kinds)
    if colon:
        return _own(kinds)
    _note(bound, binder, "fetcher", f"unknown fetcher {quoted(name)}", _meant(name, kinds))
    return None


def _own(kinds: Kinds) -> Chosen:
    return Chosen(kind=kinds.own, needs_source=kinds.own is None or kinds.own.needs_source)


def _built_in(name: str, argument: str, bound: Bound, binder: Binder, kinds: Kinds) -> Chosen | None:
    kind = kinds.fetchers[name]
    takes = kind.takes_argument and kind.argument is None
    known = sorted(kinds.known_arguments(name))
    if takes and not argument:
        example = f"{name}:{known[0] if known else 'NAME'}"
        _note(bound, binder, "fetcher", f"the fetcher {quoted(name)} needs an argument", f"As in {quoted(example)}.")
        return None
    if argument and not takes:
        _note(
            bound, binder, "fetcher", f"the fetcher {quoted(name)} takes no argument", f"Did you mean {quoted(name)}?"
        )
        return None
    if argument and known and argument not in known and not _has_options(bound):
        meant = words.alike(argument, known)
        _note(
            bound,
            binder,
            "fetcher",
            f"the fetcher {quoted(name)} does not know {quoted(argument)} by itself, and there are no fetcher options",
            f"Did you mean {quoted(f'{name}:{meant}')}?" if meant else f"It knows: {words.listed(known)}.",
        )
        return None
    return Chosen(kind=kind, needs_source=kind.needs_source)


def _has_options(bound: Bound) -> bool:
    node = bound.nodes.get("fetcher_options")
    return isinstance(node, Table) and bool(node.entries)


def _resolved(name: str, setting: str, noun: str, bound: Bound, binder: Binder, kinds: Kinds) -> object | None:
    assert kinds.resolve is not None, "only asked where there is somebody to ask"
    try:
        return kinds.resolve(name)
    except ConfigurationError as error:
        hint = error.hint if error.hint != error.default_hint else ""
        message = error.message or f"unknown {noun} {quoted(name)}"
        _note(bound, binder, setting, message, _meant(name, kinds, hint) if setting == "fetcher" else hint)
        return None


def _meant(name: str, kinds: Kinds, hint: str = "") -> str:
    """The fetcher that was probably meant: by its name, or as a type name of .NET has it at its end."""
    head, colon, argument = name.partition(":")
    short = name.split(",")[0].rpartition(".")[2]
    if short in kinds.fetchers:
        return f"Did you mean {quoted(short)}?"
    meant = words.alike(head, kinds.fetchers) if "." not in head else None
    if meant:
        argument = words.alike(argument, kinds.known_arguments(meant)) or argument
        return f"Did you mean {quoted(meant + colon + argument if kinds.fetchers[meant].takes_argument else meant)}?"
    if hint or colon:
        return hint
    return f"The fetchers are: {words.listed(kinds.fetchers, 8)}; your own is written as `module:Class`."


def _note(bound: Bound, binder: Binder, setting: str, message: str, suggestion: str) -> None:
    path = binder.join(bound.path, spelled(DataSourceConfig, setting, binder.form))
    binder.findings.add(bound.at(setting), f"{path}: {message}", suggestion)
