"""Which tests pytest would collect, read from the syntax of the test files; nothing is imported or run."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SEARCHED = ("src", "tests/*", "tests", ".")


def is_collected(name: str) -> bool:
    """Whether `path::test`, `path::Class::test` (own or inherited) is a test of this project."""
    path, *parts = name.split("::")
    file = ROOT / path
    if not path.startswith("tests/") or not file.is_file() or not file.name.startswith("test_"):
        return False
    match parts:
        case [test]:
            return test.startswith("test_") and test in _functions(file)
        case [group, test]:
            return group.startswith("Test") and test in _methods(file, group)
        case _:
            return False


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def _functions(file: Path) -> set[str]:
    return {node.name for node in _tree(file).body if isinstance(node, ast.FunctionDef)}


def _methods(file: Path, group: str) -> set[str]:
    """The test methods of a class, with those of its bases wherever they are written."""
    found: set[str] = set()
    for node in _tree(file).body:
        if isinstance(node, ast.ClassDef) and node.name == group:
            found |= {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            for base in _names(node.bases):
                found |= _methods(file, base)
        elif isinstance(node, ast.ImportFrom):
            found |= _imported(node, group)
        elif isinstance(node, ast.Assign) and group in _names(node.targets) and _is_state_machine(node.value):
            found.add("runTest")
    return {name for name in found if name.startswith("test_") or name == "runTest"}


def _imported(node: ast.ImportFrom, group: str) -> set[str]:
    original = next((alias.name for alias in node.names if (alias.asname or alias.name) == group), None)
    if original is None or node.module is None:
        return set()
    return {name for file in _files(node.module) for name in _methods(file, original)}


def _files(module: str) -> Iterator[Path]:
    relative = module.replace(".", "/") + ".py"
    for place in _SEARCHED:
        yield from ROOT.glob(f"{place}/{relative}")


def _names(nodes: list[ast.expr]) -> list[str]:
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _is_state_machine(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "TestCase"
