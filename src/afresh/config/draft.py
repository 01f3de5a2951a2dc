"""The sections of a configuration, bound but not yet checked against each other."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from afresh.config import words
from afresh.config.bind import Binder, Bound
from afresh.config.fetchers import Chosen, choose
from afresh.config.kinds import Kinds
from afresh.config.nodes import Array, Entry, Leaf, Node, Place, Table, plain
from afresh.config.scalars import INVALID
from afresh.config.shape import Setting, settings
from afresh.config.text import quoted
from afresh.core.kinds import FetcherKind, SourceKind
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig


@dataclass(slots=True, kw_only=True)
class SystemDraft:
    """A source system as given; `config` only if all of it is valid."""

    name: str
    place: Place
    bound: Bound
    config: SourceSystemConfig | None = None


@dataclass(slots=True, kw_only=True)
class SourceDraft:
    """A data source as given; `config` only if all of it is valid."""

    bound: Bound
    chosen: Chosen | None
    config: DataSourceConfig | None = None


@dataclass(slots=True, kw_only=True)
class Draft:
    """All sections."""

    bound: Bound
    cache: Bound | None = None
    names: tuple[str, ...] = ()
    systems: list[SystemDraft] = field(default_factory=list)
    sources: list[SourceDraft] = field(default_factory=list)


SECTIONS = ("cache", "source_systems", "data_sources")
"""What is bound by itself."""


def homes(section: str, spelling: Any) -> dict[str, str]:
    """For each setting of the core, where it belongs; settings of several places have none."""
    places: dict[type, str] = {
        DataSyncOptions: section,
        CacheConfig: f"{section}.{spelling('cache')}",
        SourceSystemConfig: f"a source system in {section}.{spelling('source_systems')}",
        DataSourceConfig: f"a data source in {section}.{spelling('data_sources')}",
        ScheduleConfig: "the schedule of a data source",
    }
    found: dict[str, str] = {}
    for options_type, place in places.items():
        for setting in settings(options_type):
            found[setting.name.replace("_", "")] = place
    return found


def drafted(table: Table, binder: Binder, kinds: Kinds, path: str) -> Draft:
    """All sections, each with its findings noted."""
    known = [_loosened(setting) if setting.name in SECTIONS else setting for setting in settings(DataSyncOptions)]
    draft = Draft(bound=binder.record(known, table, path))
    spelled = {setting.name: setting.spelling(binder.form) for setting in known}
    cache = draft.bound.nodes.get("cache")
    if cache is None:
        binder.findings.add(
            table.place,
            f"{path}: the setting {quoted(spelled['cache'])} is missing",
            f"""Where the cache is: {{ {binder.form.assignment("url", '"sqlite:///cache.db"')} }}.""",
            absence=True,
        )
    elif (found := _table(cache, binder, binder.join(path, spelled["cache"]))) is not None:
        draft.cache = binder.record(settings(CacheConfig), found, binder.join(path, spelled["cache"]), fetched=True)
    systems = draft.bound.nodes.get("source_systems")
    if systems is not None:
        draft.names = tuple(entry.key for entry in systems.entries) if isinstance(systems, Table) else ()
        draft.systems = _systems(systems, binder, kinds, binder.join(path, spelled["source_systems"]))
    sources = draft.bound.nodes.get("data_sources")
    if sources is not None:
        draft.sources = _sources(sources, binder, kinds, binder.join(path, spelled["data_sources"]))
    return draft


def _loosened(setting: Setting) -> Setting:
    """The setting without its type, which is bound by itself."""
    return dataclasses.replace(setting, type=Any, constraints=(), required=False)


def _table(node: Node, binder: Binder, path: str, *, hidden: bool = True) -> Table | None:
    if isinstance(node, Table):
        return node
    form = binder.form
    binder.findings.add(
        node.place,
        f"{path}: expected {'an object' if form.folds else 'a table'}, got {words.got(node, form, hidden=hidden)}",
    )
    if hidden:
        binder.findings.hide(node)
    return None


# ----------------------------------------------------------------------------------------- source systems


def _systems(node: Node, binder: Binder, kinds: Kinds, path: str) -> list[SystemDraft]:
    table = _table(node, binder, path)
    found = []
    for entry in table.entries if table else ():
        inner = binder.join(path, entry.key)
        settings_table = _table(entry.node, binder, inner)
        if settings_table is not None:
            found.append(_system(entry, settings_table, binder, kinds, inner))
    return found


def _system(entry: Entry, table: Table, binder: Binder, kinds: Kinds, path: str) -> SystemDraft:
    own = tuple(setting for setting in settings(SourceSystemConfig) if setting.name != "options")
    kind = _kind(table, own, binder, kinds, path)
    adapter = settings(kind.options) if kind else ()
    if kind is None:
        table = _only(own, table, binder)
    bound = binder.record((*own, *adapter), table, path, fetched=True)
    draft = SystemDraft(name=entry.key, place=entry.place, bound=bound)
    if kind is None or not _complete(bound, (*own, *adapter)):
        return draft
    options = {setting.name: bound.values[setting.name] for setting in adapter if setting.name in bound.values}
    if binder.build(kind.options, bound, options) is INVALID:
        return draft
    values = {setting.name: bound.values[setting.name] for setting in own if setting.name in bound.values}
    config = binder.build(SourceSystemConfig, bound, {**values, "options": options})
    draft.config = None if config is INVALID else config
    return draft


def _kind(table: Table, own: Sequence[Setting], binder: Binder, kinds: Kinds, path: str) -> SourceKind | None:
    name = binder.form.spelling("kind")
    for entry in table.entries:
        setting = binder.setting(entry, own)
        if setting is None or setting.name != "kind" or not isinstance(entry.node, Leaf):
            continue
        given = entry.node.value
        if not isinstance(given, str) or not given:
            return None
        if given not in kinds.sources:
            binder.findings.add(
                entry.node.place,
                f"{binder.join(path, name)}: unknown kind of source system {quoted(given)}",
                words.did_you_mean(given, kinds.sources, otherwise=f"The kinds are: {words.listed(kinds.sources)}."),
            )
        return kinds.sources.get(given)
    return None


def _only(known: Sequence[Setting], table: Table, binder: Binder) -> Table:
    """The table without what only an unknown kind could explain."""
    kept = tuple(entry for entry in table.entries if binder.setting(entry, known) is not None)
    for entry in table.entries:
        if entry not in kept:
            binder.findings.hide(entry.node)
    return Table(entries=kept, place=table.place)


def _complete(bound: Bound, known: Sequence[Setting]) -> bool:
    return all(setting.name in bound.values for setting in known if setting.required or setting.name in bound.nodes)


# ------------------------------------------------------------------------------------------- data sources


def _sources(node: Node, binder: Binder, kinds: Kinds, path: str) -> list[SourceDraft]:
    if not isinstance(node, Array):
        example = f"[[{path}]]" if not binder.form.folds else '[ { "TableName": ... }, ... ]'
        binder.findings.add(
            node.place,
            f"{path}: expected a list of {binder.form.table}s, got {words.got(node, binder.form)}",
            f"Each data source is written as {example}.",
        )
        return []
    found = []
    for index, item in enumerate(node.items):
        table = _table(item, binder, f"{path}[{index}]", hidden=False)
        if table is not None:
            found.append(_source(table, binder, kinds, f"{path}[{index}]"))
    return found


_OF_A_SOURCE = tuple(
    dataclasses.replace(setting, type=Any) if setting.name == "fetcher_options" else setting
    for setting in settings(DataSourceConfig)
)
"""The settings of a data source. Which ones its fetcher has is known when the fetcher is."""


def _source(table: Table, binder: Binder, kinds: Kinds, path: str) -> SourceDraft:
    known = _OF_A_SOURCE
    bound = binder.record(known, table, path)
    draft = SourceDraft(bound=bound, chosen=choose(bound, binder, kinds))
    options = _fetcher_options(bound, draft.chosen, binder)
    if options is INVALID or draft.chosen is None or not _complete(bound, known):
        return draft
    config = binder.build(DataSourceConfig, bound, {**bound.values, "fetcher_options": options})
    draft.config = None if config is INVALID else config
    return draft


def _fetcher_options(bound: Bound, chosen: Chosen | None, binder: Binder) -> Any:
    """The fetcher's settings as a mapping, checked if the fetcher is known, or `INVALID`."""
    name = next(s for s in settings(DataSourceConfig) if s.name == "fetcher_options").spelling(binder.form)
    path = binder.join(bound.path, name)
    node = bound.nodes.get("fetcher_options", Table(entries=(), place=bound.place))
    table = _table(node, binder, path, hidden=False)
    if table is None:
        return INVALID
    kind: FetcherKind | None = chosen.kind if chosen else None
    if kind is None:
        return plain(table)
    inner = binder.record(settings(kind.options), table, path)
    bound.children["fetcher_options"] = inner
    if not _complete(inner, settings(kind.options)):
        return INVALID
    return INVALID if binder.build(kind.options, inner) is INVALID else inner.values
