"""Kinds by name, whose modules are imported when they are asked for.

A start waits for what its configuration names, and not for the others.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from afresh.core.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

K = TypeVar("K")


class Ours(Mapping[str, K]):
    """The kinds of this package: for each name the `module:NAME` that is the kind, or that has it by its name."""

    def __init__(self, places: Mapping[str, str], kind: type[K]) -> None:
        self._places, self._kind = places, kind

    def __getitem__(self, name: str) -> K:
        module, _, attribute = self._places[name].partition(":")
        found = getattr(import_module(f"{__package__}.{module}"), attribute)
        kind = found[name] if isinstance(found, Mapping) else found
        assert isinstance(kind, self._kind), f"{self._places[name]} is no {self._kind.__name__}"
        return kind

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Installed(Mapping[str, K]):
    """Kinds by name: ours, and those that installed packages offer as entry points of a group.

    Ours have the first word.
    """

    def __init__(self, ours: Mapping[str, K], group: str, kind: type[K]) -> None:
        self._ours, self._group, self._kind = ours, group, kind

    def __getitem__(self, name: str) -> K:
        if name in self._ours:
            return self._ours[name]
        for point in self._offered().select(name=name):
            return self._load(point)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._ours or name in self._offered().names

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._ours, *sorted(self._offered().names)]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _offered(self) -> "EntryPoints":
        from importlib.metadata import entry_points  # slow to import, and asked for by those who have more than ours

        return entry_points(group=self._group)

    def _load(self, point: "EntryPoint") -> K:
        try:
            found = point.load()
        except Exception as error:
            raise ConfigurationError(
                f"{point.name}: importing {point.value} failed: {type(error).__name__}: {error}",
                hint=f"The package offers it as an entry point of {self._group}; ask its authors, or remove it.",
            ) from error
        if not isinstance(found, self._kind):
            raise ConfigurationError(
                f"{point.name}: {point.value} is no {self._kind.__name__}",
                hint=f"An entry point of {self._group} names a {self._kind.__name__} of `afresh.core.kinds`.",
            )
        return found
