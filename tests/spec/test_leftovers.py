"""What a change left behind."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = [*(ROOT / "src").rglob("*.py"), *(ROOT / "bench").glob("*.py")]


def _private_constants(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        for target in targets:
            yield from (name.id for name in ast.walk(target) if isinstance(name, ast.Name) and name.id[:1] == "_")


def test_no_constant_is_left_that_nothing_reads() -> None:
    """A module's private name is read in the module."""
    left = []
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        names = set(_private_constants(ast.parse(text))) - {"_"}
        left += [f"{file.name}: {name}" for name in names if len(re.findall(rf"\b{name}\b", text)) < 2]
    assert left == []
