"""What is known of a table's columns, in source and cache, from the syncs of this process. Asks nobody."""

from collections.abc import Iterator

from afresh.core.account import JsonValue
from afresh.core.phrases import instant, iso
from afresh.core.schema import TableSchema
from afresh.engine.schemas import SchemaSeen


def as_json(seen: SchemaSeen | None) -> JsonValue:
    """As JSON; null before the first sync."""
    if seen is None:
        return None
    return {
        "looked_at": iso(seen.looked_at),
        "compared_at": iso(seen.compared_at),
        "columns": [dict(column) for column in listed(seen.schema)],
        "differences": list(seen.differences),
        "lacked": list(seen.lacked),
        "lacked_at": iso(seen.lacked_at),
    }


def listed(schema: TableSchema) -> list[dict[str, JsonValue]]:
    """Name and type of each column, and whether it is part of the key."""
    return [
        {"name": column.name, "type": column.type_name, "key": column.name in schema.key} for column in schema.columns
    ]


def told(seen: SchemaSeen) -> Iterator[str]:
    """In sentences."""
    if seen.differences:
        yield f"The cache table did not fit the source at {instant(seen.compared_at)}."
    else:
        yield f"The cache table fitted the source at {instant(seen.compared_at)}, when a sync last compared them."
    if seen.lacked:
        many = "columns that the cache did not have" if len(seen.lacked) > 1 else "a column that the cache did not have"
        yield f"At {instant(seen.lacked_at)} the source had {many}: {', '.join(seen.lacked)}."
    asked = instant(seen.looked_at)
    yield f"The source was asked for its columns at {asked}. A Mass or Daily asks again, and a sync after one failed."
