"""The JD Edwards tables that are known: columns, keys and change stamps, from `columns.csv`.

Column names are an alias of the data dictionary behind a two-letter prefix of the table: WADOCO is DOCO of F4801.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import groupby
from types import MappingProxyType

PREFIX_LENGTH = 2
TEXT_LENGTH = re.compile(r"NCHAR\((\d+)\)")


class Kind(StrEnum):
    """How a stored value is to be read."""

    TEXT = "text"
    """Blank padded."""
    DATE = "date"
    """CYYDDD: (year - 1900) * 1000 + day of the year; 0 for none."""
    TIME = "time"
    """HHMMSS."""
    NUMBER = "number"
    """An integer with implied decimals."""
    PLAIN = "plain"
    """As the source has it; not one of JD Edwards' own forms."""


class StampKind(StrEnum):
    """What a stamp tells: the last change of a row, or only when it came to be."""

    UPDATE = "update"
    CREATION = "creation"


@dataclass(frozen=True, slots=True, kw_only=True)
class JdeColumn:
    """One column as JD Edwards defines it.

    `decimals` are implied ones, None where they are not known; those of a `quantity` are a setting of the site.
    `length` is in characters. `key_position` counts from 1.
    """

    name: str
    alias: str
    kind: Kind
    oracle_type: str = ""
    length: int | None = None
    decimals: int | None = None
    quantity: bool = False
    right_justified: bool = False
    key_position: int | None = None
    meaning: str = ""

    @property
    def documented(self) -> bool:
        """Whether it is known what the column means."""
        return bool(self.meaning)

    def scale(self, quantity_decimals: int) -> int:
        """The implied decimals of a number at a site whose quantities have that many; 0 where none are known."""
        return quantity_decimals if self.quantity else self.decimals or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The columns that tell when a row was changed, or created; `time` is None where there is only a date."""

    date: str
    time: str | None
    kind: StampKind = StampKind.UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class JdeTable:
    """A table with its columns in their order, its primary key, and its stamp if it has one."""

    name: str
    title: str
    columns: tuple[JdeColumn, ...]
    key: tuple[str, ...]
    stamp: Stamp | None

    def column(self, name: str) -> JdeColumn:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


TITLES: Mapping[str, str] = MappingProxyType(
    {
        "F0005": "User Defined Codes",
        "F0006": "Business Unit Master",
        "F0101": "Address Book Master",
        "F3002": "Bill of Material Master",
        "F3111": "Work Order Parts List",
        "F3112": "Work Order Routing",
        "F31122": "Work Order Time Transactions",
        "F4101": "Item Master",
        "F4102": "Item Branch",
        "F41021": "Item Location",
        "F4104": "Item Cross Reference",
        "F4108": "Lot Master",
        "F4111": "Item Ledger (Cardex)",
        "F4211": "Sales Order Detail",
        "F4311": "Purchase Order Detail",
        "F4801": "Work Order Master",
    }
)

_UPDATED = ("UPMJ", "TDAY", StampKind.UPDATE)
_UPDATED_00 = ("UPMJ", "UPMT", StampKind.UPDATE)
_CREATED = ("CRDJ", "TDAY", StampKind.CREATION)
_STAMPS = {"F0005": _UPDATED_00, "F0006": _UPDATED_00, "F0101": _UPDATED_00, "F4111": _CREATED}

_TIMES = frozenset({"TDAY", "UPMT", "PBTM", "PETM"})
"""Aliases that hold HHMMSS. Others that sound like a time may hold HHMM, or hours: they stay numbers."""

_BUSINESS_UNITS = frozenset(
    "MCU MMCU CMCU EMCU OMCU WMCU KITMCU MCUS MCUZ RMCU1 HDBU DMBU TSBU".split()  # noqa: SIM905
)
_JUSTIFIED_CODES = frozenset({"DRKY"})
"""Codes that are right-justified for some of their types."""


def right_justified(name: str, length: int | None) -> bool:
    """Whether blanks in front of the value are padding: business units, and the codes of F0005."""
    return name in _JUSTIFIED_CODES or (length in (12, None) and name[PREFIX_LENGTH:] in _BUSINESS_UNITS)


@cache
def tables() -> Mapping[str, JdeTable]:
    """The known tables by name."""
    text = files("afresh.jde").joinpath("columns.csv").read_text(encoding="utf-8")
    rows = groupby(csv.DictReader(text.splitlines()), key=lambda row: row["table"])
    return MappingProxyType({name: _table(name, tuple(_column(row) for row in group)) for name, group in rows})


def _table(name: str, columns: tuple[JdeColumn, ...]) -> JdeTable:
    key = sorted((c for c in columns if c.key_position), key=lambda c: c.key_position or 0)
    date, time, kind = _STAMPS.get(name, _UPDATED)
    names = {column.alias: column.name for column in columns}
    return JdeTable(
        name=name,
        title=TITLES[name],
        columns=columns,
        key=tuple(column.name for column in key),
        stamp=Stamp(date=names[date], time=names[time], kind=kind),
    )


def _column(row: Mapping[str, str]) -> JdeColumn:
    match = TEXT_LENGTH.fullmatch(row["oracle_type"])
    length = int(match[1]) if match else None
    decimals, position = row["decimals_at_one_site"], row["pk_position"]
    return JdeColumn(
        name=row["column"],
        alias=row["alias"],
        kind=_kind(row),
        oracle_type=row["oracle_type"],
        length=length,
        decimals=int(decimals) if decimals else None,
        quantity=row["is_quantity_class"] == "1",
        right_justified=right_justified(row["column"], length),
        key_position=int(position) if position else None,
        meaning=row["meaning"],
    )


def _kind(row: Mapping[str, str]) -> Kind:
    if TEXT_LENGTH.fullmatch(row["oracle_type"]):
        return Kind.TEXT
    if row["is_julian_date"] == "1":
        return Kind.DATE
    return Kind.TIME if row["alias"] in _TIMES else Kind.NUMBER
