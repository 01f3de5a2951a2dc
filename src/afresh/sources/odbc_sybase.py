"""Sybase ASE through FreeTDS, in TDS 5.0. Verified down to the login packet; its SQL was tried on no server.

What a reader has to know: `timestamp` is a token of eight bytes and no time; `char(n)` is padded with blanks, and an
empty text is stored as one blank (both are taken away unless `trailing_blanks` is `keep`); a column of an iso_1
database may hold bytes of another code page (option `decode_as`); texts are cut by the server at TEXTSIZE, which is set
one above `max_text_size`, so that a longer one is an error; bigdatetime, bigtime and unsigned numbers are read through
conversions, because the driver does not know them all.
"""

import re
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa

from afresh.core.schema import DATETIME, TIME
from afresh.core.select import Output, TableName
from afresh.sources.odbc_profile import Declared, Lists, Profile, Words
from afresh.sources.odbc_texts import dialect, text, wall
from afresh.sources.render import Dialect

Isolation = Literal[0, 1, 2, 3]

_DECLARED = re.compile(r"(?P<name>[a-z ]+?)\s*(?:\((?P<size>\d+)(?:,(?P<scale>\d+))?\))?")
_PLAIN: dict[str, pa.DataType] = {
    "bit": pa.bool_(),
    "tinyint": pa.int16(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "usmallint": pa.int32(),
    "uint": pa.int64(),
    "ubigint": pa.decimal128(20, 0),
    "real": pa.float64(),
    "float": pa.float64(),
    "money": pa.decimal128(19, 4),
    "smallmoney": pa.decimal128(10, 4),
    "date": pa.date32(),
    "time": TIME,
    "bigtime": TIME,
    "datetime": DATETIME,
    "smalldatetime": DATETIME,
    "bigdatetime": DATETIME,
    "timestamp": pa.binary(),
    "binary": pa.binary(),
    "varbinary": pa.binary(),
    "image": pa.binary(),
}
_CHARS = ("char", "varchar", "nchar", "nvarchar", "unichar", "univarchar")


def _digits(part: str, count: int) -> str:
    """A part of a date in so many digits."""
    return f"right('{'0' * (count - 1)}' + convert(varchar({count}), datepart({part}, {{0}})), {count})"


_DAY = " + '-' + ".join((_digits("yy", 4), _digits("mm", 2), _digits("dd", 2)))
_CLOCK = " + ':' + ".join((_digits("hh", 2), _digits("mi", 2), _digits("ss", 2)))
_MICROSECONDS = " + '.' + " + _digits("us", 6)
_MILLISECONDS = " + '.' + " + _digits("ms", 3)
_CASTS = {
    "usmallint": "convert(int, {0})",
    "uint": "convert(numeric(10, 0), {0})",
    "ubigint": "convert(numeric(20, 0), {0})",
    "money": "convert(varchar(30), convert(numeric(19, 4), {0}))",
    "smallmoney": "convert(varchar(30), convert(numeric(10, 4), {0}))",
    "real": "convert(float(16), {0})",
    "timestamp": "convert(varbinary(8), {0})",
    "date": _DAY,
    "time": _CLOCK + _MILLISECONDS,
    "bigtime": _CLOCK + _MICROSECONDS,
    "bigdatetime": _DAY + " + ' ' + " + _CLOCK + _MICROSECONDS,
}
_WIDEST = 16384


def _parts(declared: str) -> tuple[str, int, int]:
    found = _DECLARED.fullmatch(declared.lower())
    return (found["name"], int(found["size"] or 0), int(found["scale"] or 0)) if found else ("", 0, 0)


def declared(name: str) -> Declared:
    """The type as which a column declared so arrives."""
    base, size, scale = _parts(name)
    if base in ("numeric", "decimal"):
        return pa.int64() if scale == 0 and size <= 18 else pa.decimal128(size, scale), None
    return _PLAIN.get(base, pa.string()), size or None if base in _CHARS else None


def expression(output: Output, column: str) -> str:
    """The conversion under which a value arrives exactly."""
    return _CASTS.get(_parts(output.declared)[0], "{0}").format(column)


def raw_expression(output: Output, column: str) -> str:
    """As `expression`; texts as their bytes, which the server does not convert then."""
    base, size, _ = _parts(output.declared)
    if base in ("char", "varchar", "nchar", "nvarchar"):
        return f"convert(varbinary({min(size or 255, _WIDEST)}), {column})"
    return expression(output, column)


def raw(name: str) -> bool:
    """Whether a column declared so is read as bytes by `raw_expression`."""
    return _parts(name)[0] in ("char", "varchar", "nchar", "nvarchar")


def padded(name: str) -> bool:
    """Whether blanks at the end of a value mean nothing."""
    return _parts(name)[0] in _CHARS


def _dialect(zone: ZoneInfo) -> Dialect:
    """Milliseconds, in the one form that no session setting changes; cut, so that a floor is never raised."""

    def stamp(value: datetime) -> str:
        plain = wall(value, zone)
        return f"'{plain.year:04}{plain:%m%d %H:%M:%S}.{plain.microsecond // 1000:03}'"

    return dialect(
        "tsql",
        expression=expression,
        stamp=stamp,
        day=lambda day: f"'{day.year:04}{day:%m%d}'",
        quotes=("[", "]"),
    )


def _raw_dialect(zone: ZoneInfo) -> Dialect:
    return replace(_dialect(zone), expression=raw_expression)


def _object(table: TableName) -> str:
    return f"object_id({text(f'{table.schema}.{table.name}' if table.schema else table.name)})"


def _columns(table: TableName) -> str:
    """Types of users' own count as the types they are of. 80 is `timestamp`."""
    base = (
        "case when c.usertype < 100 then t.name else (select min(b.name) from systypes b where b.usertype < 100 "
        "and b.type = c.type and b.hierarchy = t.hierarchy "
        "and b.name not in ('sysname', 'longsysname', 'nchar', 'nvarchar', 'timestamp')) end"
    )
    sizes = (
        "case when c.prec is not null then '(' + convert(varchar(3), c.prec) + ',' + "
        "convert(varchar(3), isnull(c.scale, 0)) + ')' when t.name in ('unichar', 'univarchar') "
        "then '(' + convert(varchar(6), c.length / @@unicharsize) + ')' "
        "when c.type in (37, 39, 45, 47) then '(' + convert(varchar(6), c.length) + ')' else '' end"
    )
    return (
        f"select c.name, {base} + {sizes}, case when c.status & 8 = 8 then '1' else '0' end "
        f"from syscolumns c, systypes t where c.usertype = t.usertype and c.id = {_object(table)} order by c.colid"
    )


_PLACES = " union all ".join(f"select {number} as n" for number in range(1, 32))
_KEY_PLACES = " union all ".join(
    f"select {number} as n, col_name(id, key{number}) as name from syskeys where type = 1 and id = {{0}}"
    for number in range(1, 9)
)


def _key(table: TableName) -> str:
    """Of the primary key's index, else of the key that was declared by sp_primarykey."""
    found = _object(table)
    indexed = (
        f"select p.n as n, index_col(object_name(i.id), i.indid, p.n, o.uid) as name from sysindexes i, sysobjects o, "
        f"({_PLACES}) p where i.id = {found} and o.id = i.id and i.status & 2048 = 2048"
    )
    declared_key = (
        f"select n, name from ({_KEY_PLACES.format(found)}) d where not exists "
        f"(select 1 from sysindexes x where x.id = {found} and x.status & 2048 = 2048)"
    )
    return f"select k.name from ({indexed} union all {declared_key}) k where k.name is not null order by k.n"


def _rows(table: TableName) -> str:
    return f"select convert(varchar(20), row_count(db_id(), {_object(table)}))"


def _tables(schema: str | None) -> str:
    only = f" and user_name(o.uid) = {text(schema)}" if schema else ""
    return (
        "select user_name(o.uid), o.name, convert(varchar(20), row_count(db_id(), o.id)), "
        "convert(varchar(20), convert(numeric(20, 0), data_pages(db_id(), o.id)) * @@maxpagesize), "
        "case when o.type = 'V' then '1' else '0' end "
        f"from sysobjects o where o.type in ('U', 'V'){only} order by 4 desc, 1, 2"
    )


_RIGHTS = """
select 'sa_role' where proc_role('sa_role') > 0
union all select 'owner of the database' where user_id() = 1
union all select distinct case p.action when 195 then 'INSERT' when 196 then 'DELETE' else 'UPDATE' end
    + ' on ' + object_name(p.id)
from sysprotects p where p.action in (195, 196, 197) and p.protecttype < 2 and p.uid in (0, user_id(), getuid())
""".replace(", getuid()", "")

_SYBASE = Profile(
    name="sybase",
    driver="FreeTDS",
    dialect=_dialect,
    declared=declared,
    keywords=MappingProxyType({"TDS_Version": "5.0", "ClientCharset": "UTF-8", "APP": "afresh"}),
    octets=lambda column: f"datalength({column})",
    temporal=True,
    wraps=False,
    snapshot_reads=False,
    lists=Lists(
        columns=_columns,
        key=_key,
        rows=_rows,
        tables=_tables,
        account="select suser_name(), @@version",
        rights=_RIGHTS,
        clock="select getutcdate()",
        oldest="select dateadd(ss, datediff(ss, getdate(), getutcdate()), min(starttime)) from master..syslogshold "
        "where dbid = db_id() and spid <> 0 and spid <> @@spid",
    ),
    words=Words(
        refused_text=r"(?i)login failed|permission denied|not a valid user|is not in the role",
        unavailable_text=r"(?i)unable to connect|adaptive server (is unavailable|connection)|"
        r"read from the server failed|write to the server failed|unexpected eof|scan restart|deadlock|"
        r"could not acquire a lock",
    ),
)


def sybase(*, isolation: Isolation, text_bytes: int, charset: str, decoded: bool) -> Profile:
    """The profile of a source: how its sessions begin depends on its options."""
    return replace(
        _SYBASE,
        dialect=_raw_dialect if decoded else _dialect,
        keywords=MappingProxyType({**_SYBASE.keywords, "ClientCharset": charset}),
        opening=(
            f"set textsize {text_bytes + 1}",
            "set quoted_identifier on",
            f"set transaction isolation level {isolation}",
            "set chained off",
        ),
        snapshot_reads=False,
    )
