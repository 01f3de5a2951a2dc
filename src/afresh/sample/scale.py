"""How many rows each table gets."""

from collections.abc import Mapping

from afresh.core.errors import ConfigurationError

MIS_DATA = "MisData"

_SHARES = {
    "F0005": 300,
    "F0006": 60,
    "F0101": 500,
    "F4101": 2_000,
    "F4102": 4_000,
    "F4104": 2_000,
    "F41021": 7_000,
    "F4108": 9_000,
    "F3002": 5_000,
    "F4801": 8_000,
    "F3112": 40_000,
    "F3111": 32_000,
    "F31122": 20_000,
    "F4311": 5_000,
    "F4211": 6_000,
    MIS_DATA: 9_000,
    "F4111": 50_140,
}
TABLES = tuple(_SHARES)
"""All tables, masters before what refers to them."""

_TOTAL = sum(_SHARES.values())
_LEAST = {"F0005": 60, "F0006": 12, "F0101": 20, "F4101": 24, "F4801": 10, "F4311": 4, "F4211": 4}
"""What other tables need to refer to."""
_BRANCHES_PER_ITEM = 3


def row_counts(rows: int, table_rows: Mapping[str, int]) -> Mapping[str, int]:
    """Rows of each table for that many in all; those of `table_rows` as given. ConfigurationError if it cannot be."""
    for table, count in table_rows.items():
        if table not in _SHARES:
            raise ConfigurationError(f"the sample has no table {table!r}", hint=f"The tables are: {', '.join(TABLES)}.")
        if count < _LEAST.get(table, 0):
            raise ConfigurationError(
                f"{table} needs at least {_LEAST.get(table, 0)} rows for others to refer to, not {count}"
            )
    counts = {table: max(rows * share // _TOTAL, _LEAST.get(table, 1)) for table, share in _SHARES.items()}
    counts["F4111"] += max(1 - counts["F4111"], rows - sum(counts.values()))
    counts |= table_rows
    if counts["F4102"] > _BRANCHES_PER_ITEM * counts["F4101"]:
        raise ConfigurationError(
            f"F4102 cannot hold {counts['F4102']} rows: there are {_BRANCHES_PER_ITEM} branches for each of"
            f" {counts['F4101']} items in F4101"
        )
    return counts
