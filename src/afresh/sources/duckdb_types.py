"""DuckDB's types: as what each arrives, and the cast under which it does so exactly.

declared                                arrives         by
BOOLEAN                                 bool
TINYINT, UTINYINT, SMALLINT             int16
USMALLINT, INTEGER                      int32
UINTEGER, BIGINT                        int64
UBIGINT                                 decimal(20,0)
HUGEINT, UHUGEINT                       decimal(38,0)   text: the driver hands on numbers of 39 digits as others
DECIMAL(p,s)                            decimal(p,s)
FLOAT, DOUBLE                           float
VARCHAR, ENUM, UUID, JSON               text
BLOB                                    bytes
DATE                                    date
TIME, TIME_NS                           time
TIMESTAMP, also _S, _MS, _NS            datetime
TIMESTAMP WITH TIME ZONE                timestamp
LIST, ARRAY, STRUCT, MAP, UNION         text            to_json
any other: BIT, INTERVAL, BIGNUM...     text            text, as DuckDB writes it
"""

import re

import pyarrow as pa

from afresh.core.schema import DATETIME, TIME, TIMESTAMP
from afresh.core.select import Output, Policy

_PLAIN: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int16(),
    "UTINYINT": pa.int16(),
    "SMALLINT": pa.int16(),
    "USMALLINT": pa.int32(),
    "INTEGER": pa.int32(),
    "UINTEGER": pa.int64(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.decimal128(20, 0),
    "HUGEINT": pa.decimal128(38, 0),
    "UHUGEINT": pa.decimal128(38, 0),
    "FLOAT": pa.float64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "UUID": pa.string(),
    "JSON": pa.string(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIME": TIME,
    "TIME_NS": TIME,
    "TIMESTAMP": DATETIME,
    "TIMESTAMP_S": DATETIME,
    "TIMESTAMP_MS": DATETIME,
    "TIMESTAMP_NS": DATETIME,
    "TIMESTAMP WITH TIME ZONE": TIMESTAMP,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_NESTED = re.compile(r"STRUCT\(.*|MAP\(.*|UNION\(.*|.*\[\d*\]", re.DOTALL)
_AS_TEXT = {"HUGEINT", "UHUGEINT"}


def arrives(declared: str) -> pa.DataType:
    """The type in which a column declared so arrives."""
    if match := _DECIMAL.fullmatch(declared):
        return pa.decimal128(int(match[1]), int(match[2]))
    return _PLAIN.get(declared, pa.string())


def exact(declared: str, column: str) -> str:
    """What is selected, so that every value of a column declared so comes as it is."""
    if not declared or _DECIMAL.fullmatch(declared) or declared.startswith("ENUM("):
        return column
    if declared in _PLAIN and declared not in _AS_TEXT:
        return column
    return f"CAST({f'to_json({column})' if _NESTED.fullmatch(declared) else column} AS VARCHAR)"


def expression(output: Output, column: str) -> str:
    """The same for an output; as text by its policy, DuckDB writes it, which has one for every value."""
    if output.policy is Policy.TEXT and output.declared not in ("", "VARCHAR", "BLOB"):
        return exact(output.declared, column) if _NESTED.fullmatch(output.declared) else f"CAST({column} AS VARCHAR)"
    return exact(output.declared, column)
