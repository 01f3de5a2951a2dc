"""From nodes to values of the types that an options dataclass declares, noting everything that does not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from afresh.config import words
from afresh.config.findings import Findings
from afresh.config.form import Form
from afresh.config.masks import looks_secret
from afresh.config.nodes import Array, Entry, Leaf, Node, Place, Span, Table, Variable, plain
from afresh.config.references import References
from afresh.config.scalars import INVALID, adapter_of, scalar
from afresh.config.shape import (
    Setting,
    bare,
    by_spelling,
    by_variable,
    is_record,
    is_scalar,
    is_secret,
    item_type,
    map_value,
    members,
    settings,
)
from afresh.config.text import Text, quoted
from afresh.core.errors import AfreshError


@dataclass(slots=True, kw_only=True)
class Bound:
    """The settings of one table: what was given, where, and the values of those that are valid."""

    path: str
    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    children: dict[str, "Bound"] = field(default_factory=dict)

    def at(self, name: str) -> Place:
        """Where a setting's value stands; the table for one that was not given."""
        node = self.nodes.get(name)
        if isinstance(node, Leaf | Array):
            return node.place
        return self.keys.get(name, self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binder:
    """Reads tables as settings. `homes` tells for each setting which table it belongs to."""

    form: Form
    text: Text
    findings: Findings
    references: References
    homes: Mapping[str, str] = field(default_factory=dict)

    def record(self, known: Sequence[Setting], table: Table, path: str, *, fetched: bool = False) -> Bound:
        """The table's settings. With `fetched`, a value may be a reference to where it stands."""
        bound = Bound(path=path, place=table.place)
        meant: set[str | None] = set()
        for entry in table.entries:
            setting = self.setting(entry, known)
            if setting is None:
                meant.add(self._unknown(entry, known, path, fetched=fetched))
            elif setting.name in bound.nodes:
                first = self._told(bound.keys[setting.name])
                self.findings.add(entry.place, f"{self.join(path, entry.key)} is given twice; first {first}")
            else:
                bound.nodes[setting.name] = entry.node
                bound.keys[setting.name] = entry.place
                self._bind(setting, entry, bound, fetched=fetched)
        for setting in known:
            name = setting.spelling(self.form)
            if setting.required and setting.name not in bound.nodes and name not in meant:
                told = f"{path}: the setting {quoted(name)} is missing"
                self.findings.add(bound.place, told, setting.purpose, absence=True)
        return bound

    def setting(self, entry: Entry, known: Sequence[Setting]) -> Setting | None:
        """The setting that a key means; None if it means none of them."""
        if isinstance(entry.place, Variable):
            return by_variable(tuple(known)).get(entry.key.lower())
        return by_spelling(tuple(known), self.form).get(self.form.fold(entry.key))

    def build(self, options_type: type, bound: Bound, values: Mapping[str, Any] | None = None) -> Any:
        """An instance made of the valid values, or `INVALID` if its own checks refuse them."""
        given = dict(bound.values if values is None else values)
        try:
            return adapter_of(options_type).validate_python(given)
        except ValidationError as error:
            for refused in error.errors(include_input=False, include_url=False, include_context=False):
                name = str(refused["loc"][0]) if refused["loc"] else ""
                if refused["type"] != "missing":
                    told = self.join(bound.path, name) if name in bound.keys else bound.path
                    message = refused["msg"].removeprefix("Value error, ")
                    self.findings.add(bound.at(name), f"{told}: {message[:1].lower()}{message[1:]}")
        except AfreshError as error:
            self.findings.add(bound.place, f"{bound.path}: {error.message}", error.hint)
        return INVALID

    def join(self, path: str, key: str) -> str:
        """The path of a setting in a table."""
        shown = key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else quoted(key)
        return f"{path}.{shown}" if path else shown

    def value(self, annotation: Any, node: Node, path: str, *, fetched: bool = False, hidden: bool = False) -> Any:
        """The node as a value of the type, or `INVALID`."""
        kind, constraints, _ = bare(annotation)
        alternatives = members(kind)
        if kind is Any:
            return plain(node)
        if isinstance(node, Leaf):
            if any(is_scalar(alternative) for alternative in alternatives) or node.value is None:
                return scalar(annotation, node, path, self.form, self.findings, hidden=hidden)
            return self._refuse(annotation, node, path, hidden=hidden)
        fitting = [found for found in (bare(member)[0] for member in alternatives) if _fits(found, node)]
        if not fitting:
            return self._instead(annotation, node, path, fetched=fetched, hidden=hidden)
        return self._parts(fitting, node, path, fetched=fetched, hidden=hidden, constraints=constraints)

    # ------------------------------------------------------------------------------------------ one setting

    def _bind(self, setting: Setting, entry: Entry, bound: Bound, *, fetched: bool) -> None:
        path = self.join(bound.path, entry.key)
        hidden = is_secret(setting) or looks_secret(setting.name)
        if hidden and isinstance(entry.node, Leaf):
            self.findings.hide(entry.node)
        records = [member for member in members(setting.type) if is_record(member)]
        if len(records) == 1 and isinstance(entry.node, Table):
            child = self.record(settings(records[0]), entry.node, path, fetched=fetched)
            bound.children[setting.name] = child
            found = self._whole(records[0], child)
        else:
            found = self.value(setting.annotation, entry.node, path, fetched=fetched, hidden=hidden)
        if found is not INVALID:
            bound.values[setting.name] = found

    def _whole(self, options_type: type, bound: Bound) -> Any:
        complete = all(
            setting.name in bound.values
            for setting in settings(options_type)
            if setting.required or setting.name in bound.nodes
        )
        return self.build(options_type, bound) if complete else INVALID

    def _unknown(self, entry: Entry, known: Sequence[Setting], path: str, *, fetched: bool) -> str | None:
        """Notes a key that is no setting; the proper name of the setting that was probably meant."""
        if fetched:
            self.findings.hide(entry.node, numbers=False)
        names = [name for setting in known for name in setting.spellings(self.form)]
        proper = [setting.spelling(self.form) for setting in known]
        home = self.homes.get(entry.key.lower().replace("_", ""))
        meant = words.alike(entry.key, proper) or words.alike(entry.key, names)
        if meant:
            suggestion = f"Did you mean {quoted(meant)}?"
        elif home and home != path:
            suggestion = f"It belongs to {home}."
        else:
            suggestion = f"Known here: {words.listed(proper)}." if proper else "No settings are known here."
        self.findings.add(entry.place, f"{path}: unknown setting {quoted(entry.key)}", suggestion)
        return meant

    def _told(self, place: Place) -> str:
        if isinstance(place, Span):
            return f"in line {self.text.position(place.start)[0]}"
        return f"in environment variable {place.name}"

    # ------------------------------------------------------------------------------------- lists and tables

    def _parts(
        self, fitting: list[Any], node: Node, path: str, *, fetched: bool, hidden: bool, constraints: tuple[object, ...]
    ) -> Any:
        """The value by the first alternative that takes it; the findings of the first, if none does."""
        first: list[Any] = []
        for number, alternative in enumerate(fitting):
            before = len(self.findings.found)
            found = self._part(alternative, node, path, fetched=fetched, hidden=hidden)
            noted = self.findings.found[before:]
            if not noted or len(fitting) == 1:
                return self._limited(found, node, path, constraints)
            del self.findings.found[before:]
            first = first if number else noted
        self.findings.found.extend(first)
        return INVALID

    def _part(self, kind: Any, node: Node, path: str, *, fetched: bool, hidden: bool) -> Any:
        if isinstance(node, Array):
            item = item_type(kind)
            items = [
                self.value(item, found, f"{path}[{index}]", fetched=fetched, hidden=hidden)
                for index, found in enumerate(node.items)
            ]
            return INVALID if INVALID in items else tuple(items)
        assert isinstance(node, Table), "a leaf has no parts"
        if is_record(kind):
            return self._whole(kind, self.record(settings(kind), node, path, fetched=fetched))
        return self._mapping(map_value(kind), node, path, fetched=fetched, hidden=hidden)

    def _mapping(self, value_type: Any, table: Table, path: str, *, fetched: bool, hidden: bool) -> Any:
        found: dict[str, Any] = {}
        for entry in table.entries:
            inner = self.join(path, entry.key)
            if entry.key in found:
                self.findings.add(entry.place, f"{inner} is given twice")
            found[entry.key] = self.value(
                value_type, entry.node, inner, fetched=fetched, hidden=hidden or looks_secret(entry.key)
            )
        return INVALID if INVALID in found.values() else found

    def _limited(self, found: Any, node: Node, path: str, constraints: tuple[object, ...]) -> Any:
        """The list or table, if it keeps the limits of its length."""
        limits = [limit for limit in constraints if getattr(limit, "min_length", None) is not None]
        if found is not INVALID and limits:
            least = max(int(getattr(limit, "min_length", 0)) for limit in limits)
            if len(found) < least:
                told = f"at least {least} item{'s' if least > 1 else ''}"
                self.findings.add(node.place, f"{path}: expected {told}, got {len(found)}")
                return INVALID
        return found

    def _instead(self, annotation: Any, node: Node, path: str, *, fetched: bool, hidden: bool) -> Any:
        """The value that a table refers to, where that is allowed."""
        if not (
            fetched and isinstance(node, Table) and any(is_scalar(member) for member in members(bare(annotation)[0]))
        ):
            return self._refuse(annotation, node, path, hidden=hidden)
        leaf = self.references.fetch(node, path)
        if leaf is None:
            return INVALID
        return scalar(annotation, leaf, path, self.form, self.findings, hidden=True)

    def _refuse(self, annotation: Any, node: Node, path: str, *, hidden: bool) -> Any:
        records = [member for member in members(bare(annotation)[0]) if is_record(member)]
        suggestion = ""
        if isinstance(node, Leaf) and isinstance(node.value, str) and not records and not hidden:
            items = [item_type(member) for member in members(bare(annotation)[0])]
            suggestion = f"Did you mean [{quoted(node.value)}]?" if str in [bare(item)[0] for item in items] else ""
        elif isinstance(node, Leaf) and isinstance(node.value, str) and len(records) == 1 and not hidden:
            required = [setting for setting in settings(records[0]) if setting.required]
            if len(required) == 1:
                suggestion = f"Did you mean {{ {self.form.assignment(required[0].name, quoted(node.value))} }}?"
        self.findings.add(
            node.place,
            f"{path}: expected {words.expected(annotation, self.form)}, "
            f"got {words.got(node, self.form, hidden=hidden)}",
            suggestion,
        )
        return INVALID


def _fits(kind: Any, node: Node) -> bool:
    if isinstance(node, Array):
        return item_type(kind) is not None
    return is_record(kind) or map_value(kind) is not None
