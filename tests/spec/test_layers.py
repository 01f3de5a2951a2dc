"""Imports follow the layers of the house."""

import ast
import tomllib
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]


def test_arrows_point_down(tmp_path: Path) -> None:
    """No module imports one above it or beside it, and none is outside the contract."""
    (contract,) = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert contract["type"] == "layers"
    assert contract["exhaustive"] is True
    assert lint_imports(str(ROOT / "pyproject.toml"), cache_dir=str(tmp_path)) == EXIT_STATUS_SUCCESS


def test_core_is_pure() -> None:
    """The core imports nothing that does I/O, tells the time, threads or logs, and does not ask for the present."""
    allowed = {"afresh", "collections", "dataclasses", "datetime", "decimal", "enum", "pathlib", "pyarrow", "pydantic"}
    allowed |= {"contextlib", "difflib", "functools", "hashlib", "json", "re", "shlex", "typing", "zoneinfo"}
    for file in (ROOT / "src/afresh/core").glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert {name.partition(".")[0] for name in imported} <= allowed, file.name
        calls = [node.func for node in nodes if isinstance(node, ast.Call)]
        called = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}
        assert not called & {"now", "utcnow", "today", "open", "print", "read_text", "write_text"}, file.name
