"""The reference is made from the code, and says all of it."""

import dataclasses
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest
import typer.main
from typer.core import TyperGroup

from afresh import wiring
from afresh.cli.app import app
from afresh.config.shape import settings
from afresh.core import errors, events
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig

T = TypeVar("T")

DOCS = Path(__file__).parents[2] / "docs"


def _generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES: dict[str, str] = _generate().pages()


def _read(name: str) -> str:
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def _below(kind: type[T]) -> set[type[T]]:
    """All kinds below one in its module."""
    module = vars(sys.modules[kind.__module__])
    found = {one for one in kind.__subclasses__() if module.get(one.__name__) is one}
    return found.union(*(_below(one) for one in found))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_reference_is_in_step(name: str) -> None:
    """A page of the reference is what the code says now; run `python docs/generate.py` if it is not."""
    assert _read(name) == PAGES[name]


def test_nothing_else_is_in_the_reference() -> None:
    """The reference has no page that the code does not make; beside them are the records that some are made from."""
    assert {path.name for path in (DOCS / "reference").iterdir()} == {*PAGES, "caches.json", "sources.json"}


def test_every_option_stands_in_the_reference() -> None:
    """Each setting of the service, of sources and of fetchers stands in the options, by its name and what it does."""
    page = " ".join(_read("options.md").split())
    kinds = [*(kind.options for kind in wiring.SOURCES.values()), *(kind.options for kind in wiring.FETCHERS.values())]
    types: list[type] = [DataSyncOptions, DataSourceConfig, ScheduleConfig, SourceSystemConfig, CacheConfig, *kinds]
    # A source system has no setting `options`: those of its kind stand beside `kind`.
    asked = [
        setting
        for options_type in types
        for setting in settings(options_type)
        if (options_type, setting.name) != (SourceSystemConfig, "options")
    ]
    assert len(asked) > 50
    for setting in asked:
        assert f"`{setting.name}`" in page, setting.name
        assert " ".join(setting.description.replace("|", "\\|").split()) in page, setting.name


def test_every_command_stands_in_the_reference() -> None:
    """Each command and each of its options stands in the commands, with its help."""
    page = _read("commands.md")
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        section = page.partition(f"## afresh {name}\n")[2].partition("\n## ")[0]
        assert section, name
        for parameter in command.params:
            if "--help" not in parameter.opts:
                assert " ".join((getattr(parameter, "help", None) or "?").split()) in section, (name, parameter.name)


def test_every_event_stands_in_the_reference() -> None:
    """Each event and each of its fields stands in the events."""
    page = _read("events.md")
    kinds = _below(events.Event)
    assert len(kinds) > 15
    for kind in kinds:
        assert f"## {kind.__name__}\n" in page
        for field in dataclasses.fields(kind):
            assert f"`{field.name}`" in page, (kind, field.name)


def test_every_error_stands_in_the_reference() -> None:
    """Each error stands in the errors with its hint."""
    page = _read("errors.md")
    kinds = _below(errors.AfreshError)
    assert len(kinds) > 15
    for kind in kinds:
        assert f"| `{kind.__name__}` |" in page
        assert kind.default_hint in page
