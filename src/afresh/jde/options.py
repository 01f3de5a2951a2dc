"""The settings of a JD Edwards table. Their descriptions are their reference documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from afresh.jde.catalogue import StampKind

Decimals = Annotated[int, Field(ge=0, le=15)]


@dataclass(frozen=True, slots=True, kw_only=True)
class StampOptions:
    """Which columns tell when a row was changed."""

    date: Annotated[str, Field(min_length=1, description="Column with the date, CYYDDD: `SLUPMJ`.")]
    time: Annotated[
        str | None, Field(min_length=1, description="Column with the time of day, HHMMSS: `SLTDAY`, or `UPMT` ones.")
    ] = None
    kind: Annotated[
        StampKind,
        Field(description="`creation` if the stamp stays as it is when the row changes; such changes need a Mass."),
    ] = StampKind.UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class JdeOptions:
    """How a JD Edwards table is read. Columns may be named in full (`WADOCO`) or by alias (`DOCO`)."""

    schema_name: Annotated[
        str | None, Field(min_length=1, description="Owner of the table in the source: `PRODDTA`, `PRODCTL`.")
    ] = None
    columns: Annotated[
        Literal["known", "all"] | tuple[str, ...],
        Field(
            description="Columns to read: `known` for those whose meaning is known, `all` of the source, or a list. "
            "Key columns are always read. Of a table that is not known, `known` is `all`."
        ),
    ] = "known"
    names: Annotated[
        Literal["column", "alias"],
        Field(description="Names in the cache: `column` for WADOCO, `alias` for DOCO."),
    ] = "column"
    rename: Annotated[
        Mapping[str, str], Field(description="Other names in the cache, by column; also of `LastUpdateDT`.")
    ] = field(default_factory=dict)
    key: Annotated[
        tuple[str, ...],
        Field(description="Columns that identify a row; by default the known key, else the source's primary key."),
    ] = ()
    last_update: Annotated[
        StampOptions | None, Field(description="The change stamp of a table that is not known, or has another one.")
    ] = None
    quantity_decimals: Annotated[
        int,
        Field(
            ge=0,
            le=8,
            description="Implied decimals of quantities at this site: display decimals of QNTY in the data dictionary. "
            "The default is how the product is shipped; look, for a wrong number shifts every quantity.",
        ),
    ] = 0
    decimals: Annotated[
        Mapping[str, Decimals], Field(description="Implied decimals of single columns, before anything else is asked.")
    ] = field(default_factory=dict)
    dates: Annotated[
        tuple[str, ...], Field(description="Columns to read as dates CYYDDD besides those known to be some.")
    ] = ()
    times: Annotated[
        tuple[str, ...], Field(description="Columns to read as times HHMMSS besides those known to be some.")
    ] = ()
    right_justified: Annotated[
        tuple[str, ...],
        Field(description="Text columns to strip of blanks in front too, besides those known to need it."),
    ] = ()
    where: Annotated[
        str | None, Field(min_length=1, description="A further condition in the source's own SQL: `WADCTO = 'WO'`.")
    ] = None
    bad_dates: Annotated[
        Literal["stop", "null"],
        Field(
            description="What an invalid date or time does: `stop` the sync, or be read as `null` and stay legible in "
            "the text column `BadDates`. The number 0 is simply no date."
        ),
    ] = "stop"
