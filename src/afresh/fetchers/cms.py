"""Measured results of a manufacturing system (CMS), as an example of a named fetcher that is not JD Edwards'.

The table `MisData` is invented: the real one is not public. Its columns, key and stamps here are those of the sample
source. At a site, set the options to what is there, or use the fetcher `table`, which this one is with other defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from afresh.core.kinds import FetcherKind
from afresh.fetchers.table import build
from afresh.fetchers.table_options import ColumnOptions, TableOptions

MIS_DATA_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "MisId": "int64",
        "WorkOrder": "int64",
        "LotNumber": "text(30)",
        "Characteristic": "text(40)",
        "ResultValue": "decimal(18,6)",
        "ResultText": "text(80)",
        "Unit": "text(10)",
        "Inspector": "text(40)",
        "MeasuredAt": "timestamp",
        "LastUpdate": "timestamp",
    }
)
"""The invented table's columns, and the types they arrive as. The two timestamps are readings of the source's clock;
they arrive as instants."""


def _columns() -> Mapping[str, str | ColumnOptions]:
    return {name: ColumnOptions(type=type_) for name, type_ in MIS_DATA_TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsMisDataOptions(TableOptions):
    """How `MisData` is read; the options of the fetcher `table` with defaults for the invented table."""

    table: Annotated[str | None, Field(min_length=1, description="Name in the source.")] = "MisData"
    columns: Annotated[
        tuple[str, ...] | Mapping[str, str | ColumnOptions] | None,
        Field(description="Columns to read, as for `table`; by default those of the invented table, with their types."),
    ] = field(default_factory=_columns)
    key: Annotated[tuple[str, ...], Field(description="Columns that identify a row.")] = ("MisId",)
    cursor: Annotated[
        tuple[str, ...],
        Field(
            description="Columns that tell when a row was changed. A result that was never corrected has no "
            "`LastUpdate`, so the time of its measurement counts."
        ),
    ] = ("LastUpdate", "MeasuredAt")


CMS_MIS_DATA = FetcherKind(options=CmsMisDataOptions, build=build)
