"""How Oracle's types arrive, and which expression makes a value arrive exactly.

What the driver does with a number that a requested Arrow type cannot hold was read in its sources: an integer loses
its fraction, and a decimal of a smaller scale keeps all its digits, so that 1.5 becomes 15, both without a word. So
a number is fetched as such only where its declaration promises that it fits, or where the statement itself makes
sure of it: a value that does not fit is replaced by one that the driver refuses. In both cases the server does no
more than compare. Where values that do not fit are to be expected (a policy other than `stop`) they come as text.
"""

import re
from dataclasses import dataclass

import pyarrow as pa

from afresh.core.errors import ConfigurationError
from afresh.core.schema import DATETIME, TIMESTAMP
from afresh.core.select import Output, Policy

NUMBER_DIGITS = 38
_LONGEST_INTEGER = 18
_MICROSECONDS = 6
_DECLARED = re.compile(
    r"\s*(?P<name>[A-Z][A-Z0-9_ ]*?)\s*(?:\(\s*(?P<size>\*|\d+)\s*(?:,\s*(?P<scale>-?\d+)\s*)?"
    r"(?:CHAR|BYTE)?\s*\)\s*(?P<rest>[A-Z ]*(?:\(\d+\))?[A-Z ]*))?\s*"
)
_AS_NUMBER = "TO_CHAR({0}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"
_AS_READING = "TO_CHAR({0}, 'SYYYY-MM-DD HH24:MI:SS.FF9')"
_TO_UTC = "SYS_EXTRACT_UTC({0})"
_LOCAL_TO_UTC = "SYS_EXTRACT_UTC(CAST({0} AS TIMESTAMP(9) WITH TIME ZONE))"
_REFUSED_NUMBER = "1E60"
"""More digits than any decimal of the driver's has: it raises an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A type as the catalogue names it: `NUMBER(12,2)` has a size of 12 and a scale of 2; None is what is not said."""

    name: str
    size: int | None = None
    scale: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """How one output is fetched.

    `expression` is what is selected (`{0}` is the column), `type` what the driver is asked to deliver. A reading that
    is one of UTC by its expression is `utc`. `misfit` is the condition under which the expression makes the driver
    refuse the row's value.
    """

    expression: str = "{0}"
    type: pa.DataType
    utc: bool = False
    misfit: str = ""


def parse(declared: str) -> Native:
    """The parts of a declared type; a name of its own for what is not understood."""
    match = _DECLARED.fullmatch(declared.upper())
    if match is None:
        return Native(name=declared.upper())
    name = " ".join(re.sub(r"\(\d+\)", "", f"{match['name']} {match['rest'] or ''}").split())
    size = NUMBER_DIGITS if match["size"] == "*" else int(match["size"]) if match["size"] else None
    return Native(name=name, size=size, scale=int(match["scale"]) if match["scale"] else None)


def declared(data_type: str, length: int | None, precision: int | None, scale: int | None) -> str:
    """The type's name with its sizes, from the columns of ALL_TAB_COLUMNS."""
    if data_type == "NUMBER" and (precision is not None or scale is not None):
        digits = "*" if precision is None else str(precision)
        return f"NUMBER({digits},{scale})" if scale else f"NUMBER({digits})"
    if data_type == "FLOAT" and precision is not None:
        return f"FLOAT({precision})"
    if data_type in ("CHAR", "NCHAR", "VARCHAR2", "NVARCHAR2", "RAW") and length:
        return f"{data_type}({length})"
    return data_type


def arrives_as(native: Native, bare_number: pa.DataType) -> tuple[pa.DataType, int | None]:
    """The type of a column that nobody gave one, and its text length; a bare NUMBER is as the option says."""
    match native.name:
        case "NUMBER" | "INTEGER":
            return _number_type(native, bare_number), None
        case "FLOAT" | "BINARY_FLOAT" | "BINARY_DOUBLE":
            return pa.float64(), None
        case "CHAR" | "NCHAR" | "VARCHAR2" | "NVARCHAR2" | "VARCHAR":
            return pa.string(), native.size
        case "DATE" | "TIMESTAMP":
            return DATETIME, None
        case "TIMESTAMP WITH TIME ZONE" | "TIMESTAMP WITH LOCAL TIME ZONE":
            return TIMESTAMP, None
        case "RAW" | "LONG RAW" | "BLOB":
            return pa.binary(), None
        case "BOOLEAN":
            return pa.bool_(), None
    return pa.string(), None


def _number_type(native: Native, bare_number: pa.DataType) -> pa.DataType:
    if native.size is None:
        return bare_number
    scale = max(native.scale or 0, 0)
    whole = native.size - (native.scale or 0)
    if scale == 0 and whole <= _LONGEST_INTEGER:
        return pa.int64()
    if scale > NUMBER_DIGITS or max(whole, 0) + scale > NUMBER_DIGITS:
        return bare_number
    return pa.decimal128(min(max(native.size, whole, scale), NUMBER_DIGITS), scale)


def carrier(output: Output) -> Carrier:
    """How the output is fetched; ConfigurationError for a type that cannot be read."""
    native = parse(output.declared)
    if native.name in ("NUMBER", "INTEGER", "FLOAT"):
        return _number(native, output)
    if native.name in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE"):
        return _timestamp(native, output.type)
    found = _OTHERS.get(native.name)
    if found is None:
        raise ConfigurationError(
            f"the column {output.column!r} is of the type {output.declared or 'unknown'}, which cannot be read",
            hint="Leave it out of `columns`, or read it through a `query` that casts it to a text or number.",
        )
    return found


def _number(native: Native, output: Output) -> Carrier:
    wanted = output.type
    scale = wanted.scale if pa.types.is_decimal128(wanted) else 0
    if native.name != "FLOAT" and native.size is not None and _promises(native, scale):
        whole = scale == 0 and native.size <= _LONGEST_INTEGER and not native.scale
        return Carrier(type=pa.int64() if whole else pa.decimal128(NUMBER_DIGITS, scale))
    exact = pa.types.is_integer(wanted) or pa.types.is_decimal128(wanted)
    if not exact or output.policy is not Policy.STOP:
        return Carrier(expression=_AS_NUMBER, type=pa.string())
    misfit = f"{{0}} <> TRUNC({{0}}, {scale}) OR ABS({{0}}) >= 1E{NUMBER_DIGITS - scale}"
    return Carrier(
        expression=f"CASE WHEN {misfit} THEN {_REFUSED_NUMBER} ELSE {{0}} END",
        type=pa.decimal128(NUMBER_DIGITS, scale),
        misfit=misfit,
    )


def _promises(native: Native, scale: int) -> bool:
    """Whether every value of the declared type has at most that scale, and 38 digits with it."""
    own = native.scale or 0
    return own <= scale and (native.size or 0) - own + scale <= NUMBER_DIGITS


def _timestamp(native: Native, wanted: pa.DataType) -> Carrier:
    """Digits beyond microseconds, which the driver would cut, come as text; instants come as readings of UTC."""
    inner = {"TIMESTAMP": "{0}", "TIMESTAMP WITH TIME ZONE": _TO_UTC}.get(native.name, _LOCAL_TO_UTC)
    utc = inner != "{0}"
    fine = (native.size if native.size is not None else _MICROSECONDS) > _MICROSECONDS
    if not fine and not pa.types.is_string(wanted):
        return Carrier(expression=inner, type=DATETIME, utc=utc)
    text = _AS_READING.format(inner)
    text = f"LTRIM({text})"
    return Carrier(expression=f"{text} || '+00:00'" if utc else text, type=pa.string())


_OTHERS: dict[str, Carrier] = {
    **dict.fromkeys(("CHAR", "VARCHAR2", "VARCHAR", "LONG", "CLOB"), Carrier(type=pa.large_string())),
    **dict.fromkeys(("NCHAR", "NVARCHAR2", "NCLOB"), Carrier(type=pa.large_string())),
    **dict.fromkeys(("RAW", "LONG RAW", "BLOB"), Carrier(type=pa.large_binary())),
    "DATE": Carrier(type=DATETIME),
    "BINARY_FLOAT": Carrier(type=pa.float32()),
    "BINARY_DOUBLE": Carrier(type=pa.float64()),
    "BOOLEAN": Carrier(type=pa.bool_()),
    "ROWID": Carrier(expression="ROWIDTOCHAR({0})", type=pa.large_string()),
    "UROWID": Carrier(expression="TO_CHAR({0})", type=pa.large_string()),
    "INTERVAL YEAR TO MONTH": Carrier(expression="TO_CHAR({0})", type=pa.large_string()),
    "INTERVAL DAY TO SECOND": Carrier(expression="TO_CHAR({0})", type=pa.large_string()),
    "XMLTYPE": Carrier(expression="XMLSERIALIZE(CONTENT {0} AS CLOB)", type=pa.large_string()),
    "JSON": Carrier(expression="JSON_SERIALIZE({0} RETURNING CLOB)", type=pa.large_string()),
}
NATIONAL = frozenset(("NCHAR", "NVARCHAR2", "NCLOB"))
"""Types whose texts are in the national character set, whatever the database's own is."""
