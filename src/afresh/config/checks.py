"""What the sections of a configuration must be to each other."""

import re
from datetime import timedelta
from functools import cache
from zoneinfo import available_timezones

from afresh.config import words
from afresh.config.bind import Binder, Bound
from afresh.config.draft import Draft, SourceDraft, SystemDraft
from afresh.config.kinds import Kinds
from afresh.config.nodes import Array, Leaf, Place, Span
from afresh.config.text import quoted
from afresh.core import quiet

_SCHEDULES = ("mass", "daily", "hourly")
_FARTHEST = timedelta(days=36_525)
_RESERVED = ("dataupdate", "lastdataupdates")
_WINDOWS_ZONES = {
    "eastern standard time": "America/New_York",
    "central standard time": "America/Chicago",
    "mountain standard time": "America/Denver",
    "pacific standard time": "America/Los_Angeles",
    "gmt standard time": "Europe/London",
    "w. europe standard time": "Europe/Berlin",
    "central europe standard time": "Europe/Budapest",
    "romance standard time": "Europe/Paris",
    "china standard time": "Asia/Shanghai",
    "tokyo standard time": "Asia/Tokyo",
    "india standard time": "Asia/Kolkata",
}


def check(draft: Draft, binder: Binder, kinds: Kinds) -> None:
    """Notes everything that is valid by itself and wrong together."""
    if draft.cache is not None:
        _cache(draft.cache, binder, kinds)
    seen: dict[str, SystemDraft] = {}
    for system in draft.systems:
        _unique_system(system, seen, binder)
        _zone(system, "time_zone", binder)
        _zone(system, "quiet_zone", binder)
        _quiet_hours(system, binder)
    tables: dict[str, tuple[str, Place]] = {}
    for source in draft.sources:
        _table_name(source.bound, tables, binder)
        _source_system(source, draft, binder)
        _schedules(source.bound, binder)
    _lookback(draft, binder)


def _cache(bound: Bound, binder: Binder, kinds: Kinds) -> None:
    url = bound.values.get("url")
    if not isinstance(url, str):
        return
    path = binder.join(bound.path, binder.form.spelling("url"))
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
    if scheme is None:
        example = f'such as "{next(iter(kinds.caches))}:///cache.db"' if kinds.caches else ""
        binder.findings.add(bound.at("url"), f"{path}: expected a URL, {example}")
    elif scheme[1] not in kinds.caches:
        binder.findings.add(
            bound.at("url"),
            f"{path}: unknown kind of cache {quoted(scheme[1])}",
            words.did_you_mean(scheme[1], kinds.caches, otherwise=f"The kinds are: {words.listed(kinds.caches)}."),
        )


def _unique_system(system: SystemDraft, seen: dict[str, SystemDraft], binder: Binder) -> None:
    first = seen.setdefault(system.name.casefold(), system)
    if first is not system:
        binder.findings.add(
            system.place,
            f"{system.bound.path}: a source system of this name is there already (case does not count)"
            f"{_line(first.place, binder)}",
        )


def _zone(system: SystemDraft, name: str, binder: Binder) -> None:
    zone = system.bound.values.get(name)
    if not isinstance(zone, str) or zone == "UTC" or zone in _zones():
        return
    node = system.bound.nodes[name]
    path = binder.join(system.bound.path, binder.form.spelling(name))
    hidden = not isinstance(node, Leaf) or bool(node.origin)
    told = "there is no such time zone" if hidden else f"there is no time zone {quoted(zone)}"
    binder.findings.add(
        system.bound.at(name),
        f"{path}: {told}",
        "" if hidden else _zone_meant(zone),
    )


def _quiet_hours(system: SystemDraft, binder: Binder) -> None:
    spans = system.bound.values.get("quiet_hours", ())
    node = system.bound.nodes.get("quiet_hours")
    path = binder.join(system.bound.path, binder.form.spelling("quiet_hours"))
    for number, span in enumerate(spans if isinstance(node, Array) else ()):
        try:
            quiet.parse(span)
        except quiet.NotQuietHours as error:
            place = node.items[number].place if isinstance(node, Array) else system.bound.place
            binder.findings.add(place, f"{path}[{number}]: {quoted(span)} {error}")


def _zone_meant(zone: str) -> str:
    meant = _WINDOWS_ZONES.get(zone.lower())
    if meant:
        return f"Did you mean {quoted(meant)}?"
    return words.did_you_mean(zone, sorted(_zones()), otherwise='Zones are named as in "America/Chicago".')


@cache
def _zones() -> frozenset[str]:
    """The zones that every machine has."""
    return frozenset(zone for zone in available_timezones() if "/" in zone or zone in ("UTC", "GMT"))


def _table_name(bound: Bound, tables: dict[str, tuple[str, Place]], binder: Binder) -> None:
    name = bound.values.get("table_name")
    if not isinstance(name, str):
        return
    path = binder.join(bound.path, binder.form.spelling("table_name"))
    place = bound.at("table_name")
    if name.casefold() in _RESERVED:
        binder.findings.add(place, f"{path}: {quoted(name)} is the cache's own table")
    elif name != name.strip() or not name.isprintable():
        binder.findings.add(place, f"{path}: a table name has no control characters, and no blanks around it")
    first, where = tables.setdefault(name.casefold(), (name, place))
    if where != place:
        same = "" if first == name else f" as {quoted(first)} (case does not count)"
        binder.findings.add(place, f"{path}: the table {quoted(name)} is there already{same}{_line(where, binder)}")


def _source_system(source: SourceDraft, draft: Draft, binder: Binder) -> None:
    name = source.bound.values.get("source_system")
    known = draft.names
    needs = source.chosen is None or source.chosen.needs_source
    if not isinstance(name, str) or name in known or not needs:
        return
    if isinstance(draft.bound.nodes.get("source_systems"), Leaf | Array):
        return
    path = binder.join(source.bound.path, binder.form.spelling("source_system"))
    otherwise = f"The source systems are: {words.listed(known)}." if known else "No source systems are configured."
    binder.findings.add(
        source.bound.at("source_system"),
        f"{path}: unknown source system {quoted(name)}",
        words.did_you_mean(name, known, otherwise=otherwise),
        absence=True,
    )


def _schedules(bound: Bound, binder: Binder) -> None:
    for name in ("daily", "hourly"):
        child = bound.children.get(name)
        for setting in ("prepurge_data", "re_index_data"):
            if child is not None and child.values.get(setting) is True:
                binder.findings.add(
                    child.at(setting),
                    f"{binder.join(child.path, binder.form.spelling(setting))}: only a Mass can do this",
                )
    given = [name for name in _SCHEDULES if name in bound.nodes]
    if bound.values.get("is_enabled", "is_enabled" not in bound.nodes) is not True:
        return
    if any(name not in bound.values for name in given):
        return
    if any(bound.children[name].values.get("enabled", True) for name in given if name in bound.children):
        return
    enabled = binder.form.assignment("is_enabled", "false")
    binder.findings.add(
        bound.place,
        f"{bound.path}: the table is never synced: none of its schedules is enabled",
        f"Give it a schedule, or set {enabled}.",
        absence=True,
    )


def _lookback(draft: Draft, binder: Binder) -> None:
    times = draft.bound.values.get("lookback_multiplier", 3.0)
    intervals = [
        interval
        for source in draft.sources
        for name in ("daily", "hourly")
        if name in source.bound.children
        and isinstance(interval := source.bound.children[name].values.get("interval"), timedelta)
    ]
    if intervals and times * max(intervals).total_seconds() > _FARTHEST.total_seconds():
        path = binder.join(draft.bound.path, binder.form.spelling("lookback_multiplier"))
        binder.findings.add(
            draft.bound.at("lookback_multiplier"), f"{path}: a window would reach back more than 100 years"
        )


def _line(place: Place, binder: Binder) -> str:
    return f", in line {binder.text.position(place.start)[0]}" if isinstance(place, Span) else ""
