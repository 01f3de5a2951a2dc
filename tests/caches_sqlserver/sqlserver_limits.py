"""What the kit's tests on SQL Server have in common, on a real server and on the fake."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.caches_sqlserver import sqlserver_gaps

from afresh.core.schema import Column, TableSchema
from afresh.testing.kit_rig import CacheRig, Row


class Limits(CacheRig):
    """What SQL Server cannot hold or tell apart."""

    gaps: ClassVar[Mapping[str, str]] = sqlserver_gaps.GAPS

    def refusal(self, column: Column, value: Any) -> str:
        if isinstance(value, float) and not math.isfinite(value):
            return "infinity"
        if isinstance(value, str) and column.length is not None and len(value.encode("utf-16-le")) > 2 * column.length:
            return "characters outside the basic plane, such as emoji, count twice"
        return ""

    def takes(self, schema: TableSchema, row: Row) -> bool:
        """Whether every value can be held and read again, and no key is too long or ends in what `=` ignores."""
        keys = [row[schema.names.index(name)] for name in schema.key]
        marked = any(isinstance(value, str) and value.startswith("\ufeff") for value in row)
        return not marked and super().takes(schema, row) and all(map(_plain_key, keys))


def _plain_key(value: Any) -> bool:
    if isinstance(value, str):
        return value == value.rstrip(" ") and len(value) <= 100
    return not isinstance(value, bytes) or (not value.endswith(b"\0") and len(value) <= 200)
