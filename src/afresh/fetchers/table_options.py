"""The settings of the fetcher `table`. Their descriptions are their reference documentation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from afresh.core.select import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOptions:
    """One column of a table, where its name or its type is another than in the source."""

    column: Annotated[
        str | None, Field(min_length=1, description="Name in the source; by default the name in the cache.")
    ] = None
    type: Annotated[
        str | None, Field(min_length=1, description="Type to arrive as: `decimal(15,2)`; by default the source's.")
    ] = None
    policy: Annotated[
        Policy,
        Field(
            description="What happens to a value that the type cannot hold exactly: `stop` the sync, leave it `null`, "
            "`clamp` it to the nearest value, read the column as `text`, or `quarantine` the row in `DataQuarantine`."
        ),
    ] = Policy.STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """How a table is read."""

    table: Annotated[
        str | None, Field(min_length=1, description="Name in the source; by default the data source's `table_name`.")
    ] = None
    schema_name: Annotated[
        str | None, Field(min_length=1, description="Schema (owner) of the table in the source.")
    ] = None
    columns: Annotated[
        tuple[str, ...] | Mapping[str, str | ColumnOptions] | None,
        Field(
            description="Columns to read; by default all. A list of names, or a mapping from names in the cache to "
            'names in the source or to `{ column = "...", type = "..." }`.'
        ),
    ] = None
    key: Annotated[
        tuple[str, ...],
        Field(description="Columns that identify a row; by default the primary key that the source knows."),
    ] = ()
    cursor: Annotated[
        tuple[str, ...],
        Field(
            description="Columns in the source that tell when a row was changed: the first one that is not null "
            "counts. Rows in which all are null are read every time. Without it every sync reads the whole table."
        ),
    ] = ()
    cursor_kind: Annotated[
        Literal["update", "creation"],
        Field(description="`creation` if the stamp stays as it is when the row changes; such changes need a Mass."),
    ] = "update"
    cursor_type: Annotated[
        Literal["timestamp", "datetime", "date"] | None,
        Field(
            description="Type of the cursor columns, if the source does not tell. `timestamp`: instants, or readings "
            "of the source's clock that arrive as instants; `datetime`: readings that stay readings."
        ),
    ] = None
    last_update_name: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Name in the cache of the column with the stamp; by default the cursor's own name, or "
            "`LastUpdateDT` where the cursor is several columns or one that is not among `columns`.",
        ),
    ] = None
    where: Annotated[
        str | None, Field(min_length=1, description="Condition in the source's SQL that all rows read must meet.")
    ] = None
