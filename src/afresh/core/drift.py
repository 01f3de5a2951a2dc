"""Whether a cache table fits what a fetcher delivers."""

from dataclasses import dataclass

from afresh.core.errors import SchemaDiffers
from afresh.core.schema import Column, TableSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What would have to change in the cache table: columns that can simply be added, and what cannot be done."""

    added: tuple[Column, ...] = ()
    differences: tuple[str, ...] = ()


def compare(existing: TableSchema, wanted: TableSchema) -> Drift:
    """The way from the table as it is to the schema that is wanted. Column order does not count."""
    there = {column.name: column for column in existing.columns}
    added, differences = [], []
    if existing.key != wanted.key and set(existing.key) != set(wanted.key):
        differences.append(f"key: the table has ({', '.join(existing.key)}), the fetcher ({', '.join(wanted.key)})")
    for column in wanted.columns:
        found = there.pop(column.name, None)
        if found is not None:
            differences.extend(_differences(found, column, key=column.name in wanted.key))
        elif column.nullable and column.name not in wanted.key:
            added.append(column)
        else:
            differences.append(f"{column.name}: the table lacks it, and it cannot be added because it is not nullable")
    differences.extend(f"{name}: the table has it, the fetcher does not" for name in there)
    return Drift(added=tuple(added), differences=tuple(differences))


def check(table_name: str, existing: TableSchema, wanted: TableSchema) -> tuple[Column, ...]:
    """The columns to add; raises `SchemaDiffers` with all differences if adding is not enough."""
    drift = compare(existing, wanted)
    if drift.differences:
        listed = "".join(f"\n  - {difference}" for difference in drift.differences)
        raise SchemaDiffers(f"{table_name}: the cache table does not fit the fetcher:{listed}")
    return drift.added


def _differences(found: Column, wanted: Column, *, key: bool) -> list[str]:
    if found.type != wanted.type:
        return [f"{wanted.name}: the table has {found.type_name}, the fetcher {wanted.type_name}"]
    if found.length is not None and (wanted.length is None or wanted.length > found.length):
        return [f"{wanted.name}: the table has {found.type_name}, the fetcher {wanted.type_name}"]
    if wanted.nullable and not found.nullable and not key:
        return [f"{wanted.name}: the table says NOT NULL, the fetcher may deliver null"]
    return []
