"""What the fakes of Oracle, SQL Server and Sybase are asked for: each type, and the odd values that it can hold."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
from tests.sources import fake_trials as trials
from tests.sources import sqlserver_front as front
from tests.sources.fake_trials import Case, System
from tests.tds_front import types
from tests.tds_front.types import Type

from afresh.testing.odd_values import LARGE
from afresh.testing.source_kit_rig import SourceTrial

reading = datetime.fromisoformat
NINES, SEVEN = Decimal("9" * 38), "9999-12-31 23:59:59.9999999"
GAP, FOLD = reading("2024-03-10 02:30:00"), reading("2024-11-03 01:30:00")
GAP_CAME, FOLD_CAME = (
    reading("2024-03-10 08:00:00").replace(tzinfo=UTC),
    reading("2024-11-03 06:30").replace(tzinfo=UTC),
)
FIRST, ZONED = reading("0001-01-01"), reading("2024-05-01 08:30:00.5").replace(tzinfo=UTC)
NAN, INFINITY = float("nan"), float("inf")

ORACLE = (
    Case(catalogue=("NUMBER", None, 18, 0), written="9" * 18, sent=Decimal("9" * 18), came=10**18 - 1),
    Case(catalogue=("NUMBER", None, 15, 4), written="1.5", sent=Decimal("1.5"), came=Decimal("1.5000")),
    Case(catalogue=("NUMBER", None, 38, 0), written="9" * 38, sent=NINES, came=NINES, odd="38 digits"),
    Case(catalogue=("NUMBER", None, None, None), written="1.5", sent=1.5, came=Decimal("1.5000000000"),
         odd="bare NUMBER", note="by the option `bare_number`"),
    Case(catalogue=("NUMBER", None, None, None), written="1E30", sent=Decimal("1E30"), odd="bare NUMBER",
         note="by the option `bare_number`"),
    Case(catalogue=("NUMBER", None, None, None), written="1E-11", sent=Decimal("1E-11"), odd="bare NUMBER",
         note="by the option `bare_number`"),
    Case(catalogue=("BINARY_DOUBLE", None, None, None), written="0.1d", sent=0.1, came=0.1),
    Case(catalogue=("BINARY_DOUBLE", None, None, None), written="BINARY_DOUBLE_NAN", sent=NAN, came=NAN, odd="NaN"),
    Case(catalogue=("BINARY_DOUBLE", None, None, None), written="BINARY_DOUBLE_INFINITY", sent=INFINITY, came=INFINITY,
         odd="infinity"),
    Case(catalogue=("CHAR", 5, None, None), written="'ab'", sent="ab   ", came="ab   ", odd="CHAR padding",
         note="as it is stored; the JDE fetchers take the blanks away"),
    Case(catalogue=("VARCHAR2", 20, None, None), written="'a' || CHR(0)", sent="a\0", came="a\0", odd="NUL"),
    Case(catalogue=("NVARCHAR2", 20, None, None), written="UNISTR('\\D83D\\DE42')", sent="🙂", came="🙂", odd="emoji"),
    Case(catalogue=("CLOB", None, None, None), written=f"'x' × {LARGE:,}", sent="x" * LARGE, came="x" * LARGE,
         odd="16 MB text"),
    Case(catalogue=("RAW", 16, None, None), written="HEXTORAW('00FF')", sent=b"\0\xff", came=b"\0\xff"),
    Case(catalogue=("BLOB", None, None, None), written="HEXTORAW('00FF')", sent=b"\0\xff", came=b"\0\xff"),
    Case(catalogue=("DATE", None, None, None), written="DATE '0001-01-01'", sent=FIRST, came=FIRST, odd="0001-01-01"),
    Case(catalogue=("DATE", None, None, None), written="2024-03-10 02:30", sent=GAP, came=GAP_CAME, read_as="timestamp",
         odd="DST gap"),
    Case(catalogue=("DATE", None, None, None), written="2024-11-03 01:30", sent=FOLD, came=FOLD_CAME,
         read_as="timestamp", odd="DST fold"),
    Case(catalogue=("TIMESTAMP(9)", None, None, 9), written=f"TIMESTAMP '{SEVEN}'", sent=f"{SEVEN}00", odd=SEVEN),
    Case(catalogue=("TIMESTAMP(6) WITH TIME ZONE", None, None, 6), written="2024-05-01 10:30:00.5 +02:00", sent=ZONED,
         came=ZONED),
)  # fmt: skip

_TEXT = front.NVARCHAR
_BIG = Type(code=types.DECIMALN, length=17, precision=38)
_EIGHTEEN = Type(code=types.DECIMALN, length=9, precision=18)
SQLSERVER = (
    Case(catalogue=("bigint", 8, 19, 0), written=str(-(2**63)), sent=-(2**63), came=-(2**63), as_type=front.BIGINT),
    Case(catalogue=("bit", 1, 1, 0), written="1", sent=True, came=True, as_type=front.BIT),
    Case(catalogue=("decimal", 17, 38, 0), written="9" * 38, sent=NINES, came=NINES, as_type=_BIG, odd="38 digits"),
    Case(catalogue=("decimal", 9, 18, 0), written="2", sent=Decimal(2), came=Decimal(2), as_type=_EIGHTEEN,
         odd="bare NUMBER", note="a decimal without digits is a decimal(18,0)"),
    Case(catalogue=("float", 8, 53, 0), written="-0.5", sent=-0.5, came=-0.5, as_type=front.FLOAT),
    Case(catalogue=("char", 5, 0, 0), written="'ab'", sent="ab   ", came="ab   ", as_type=_TEXT, odd="CHAR padding",
         note="as it is stored"),
    Case(catalogue=("nvarchar", 40, 0, 0), written="N''", sent="", came="", as_type=_TEXT, odd="empty text"),
    Case(catalogue=("nvarchar", 40, 0, 0), written="N'a' + NCHAR(0) + N'b'", sent="a\0b", came="a\0b", as_type=_TEXT,
         odd="NUL"),
    Case(catalogue=("nvarchar", 40, 0, 0), written="N'🙂'", sent="🙂", came="🙂", as_type=_TEXT, odd="emoji"),
    Case(catalogue=("varbinary", -1, 0, 0), written="0x0001", sent=b"\0\1", came=b"\0\1", as_type=front.BYTES),
    Case(catalogue=("date", 3, 10, 0), written="'0001-01-01'", sent=date(1, 1, 1), came=date(1, 1, 1),
         as_type=front.DATE),
    Case(catalogue=("datetime2", 8, 26, 6), written="'0001-01-01'", sent=FIRST, came=FIRST, as_type=front.DATETIME2,
         odd="0001-01-01"),
    Case(catalogue=("datetime2", 8, 26, 6), written="'2024-03-10 02:30'", sent=GAP, came=GAP_CAME, read_as="timestamp",
         as_type=front.DATETIME2, odd="DST gap"),
    Case(catalogue=("datetime2", 8, 26, 6), written="'2024-11-03 01:30'", sent=FOLD, came=FOLD_CAME,
         read_as="timestamp", as_type=front.DATETIME2, odd="DST fold"),
    Case(catalogue=("datetime2", 8, 27, 7), written=f"'{SEVEN}'", sent=SEVEN, as_type=_TEXT, odd=SEVEN),
    Case(catalogue=("datetimeoffset", 10, 33, 6), written="'2024-05-01 10:30:00.5 +02:00'",
         sent=ZONED.replace(tzinfo=None), came=ZONED, as_type=front.DATETIME2),
    Case(catalogue=("uniqueidentifier", 16, 0, 0), written="'6F9619FF-8B86-D011-B42D-00C04FC964FF'",
         sent="6F9619FF-8B86-D011-B42D-00C04FC964FF", came="6F9619FF-8B86-D011-B42D-00C04FC964FF", as_type=_TEXT),
)  # fmt: skip

SYBASE = (
    Case(catalogue=("int",), written="5", sent=5, came=5, as_type=pa.int32()),
    Case(catalogue=("numeric(15,2)",), written="12.5", sent="12.50", came=Decimal("12.50")),
    Case(catalogue=("numeric(38,0)",), written="9" * 38, sent="9" * 38, came=NINES, odd="38 digits"),
    Case(catalogue=("numeric(18,0)",), written="2", sent="2", came=2, odd="bare NUMBER",
         note="a numeric without digits is a numeric(18,0)"),
    Case(catalogue=("ubigint",), written=str(2**64 - 1), sent=str(2**64 - 1), came=Decimal(2**64 - 1)),
    Case(catalogue=("money",), written="-0.0001", sent="-0.0001", came=Decimal("-0.0001")),
    Case(catalogue=("float",), written="0.1", sent=0.1, came=0.1),
    Case(catalogue=("char(5)",), written="'ab'", sent="ab   ", came="ab", odd="CHAR padding",
         note="blanks at the end are taken away, unless `trailing_blanks` is `keep`"),
    Case(catalogue=("varchar(20)",), written="''", sent=" ", came="", odd="empty text",
         note="ASE stores one blank, which is taken away, unless `trailing_blanks` is `keep`"),
    Case(catalogue=("varchar(20)", {"decode_as": "cp1252"}), written="bytes FC 80", sent=b"\xfc\x80", came="ü€",
         odd="cp1252 bytes", note="with `decode_as`; bytes that the code page lacks are replaced and counted"),
    Case(catalogue=("univarchar(20)",), written="U&'\\+01F642'", sent="🙂", came="🙂", odd="emoji"),
    Case(catalogue=("date",), written="'0001-01-01'", sent="0001-01-01", came=date(1, 1, 1)),
    Case(catalogue=("bigdatetime",), written="'0001-01-01'", sent="0001-01-01 00:00:00.000000", came=FIRST,
         odd="0001-01-01"),
    Case(catalogue=("datetime",), written="'2024-03-10 02:30'", sent=GAP, came=GAP_CAME, read_as="timestamp",
         as_type=pa.timestamp("us"), odd="DST gap"),
    Case(catalogue=("datetime",), written="'2024-11-03 01:30'", sent=FOLD, came=FOLD_CAME, read_as="timestamp",
         as_type=pa.timestamp("us"), odd="DST fold"),
    Case(catalogue=("timestamp",), written="a token", sent=b"\0" * 7 + b"\1", came=b"\0" * 7 + b"\1",
         note="a token of eight bytes and no time"),
)  # fmt: skip

SYSTEMS = (
    System(
        trial=SourceTrial(
            kind="oracle", product="Oracle", version="no server", by="a fake of python-oracledb", real=False
        ),
        table=trials.ORACLE_TABLE,
        cases=ORACLE,
        source=trials.from_oracle,
        cannot=(
            ("empty text", "Oracle keeps '' as NULL"),
            ("cp1252 bytes", "a text is of the database's character set, which the driver converts; not tried"),
        ),
    ),
    System(
        trial=SourceTrial(
            kind="sqlserver", product="SQL Server", version="no server", by="mssql-python, to a stand-in", real=False
        ),
        table=trials.SQLSERVER_TABLE,
        cases=SQLSERVER,
        source=trials.from_sqlserver,
        cannot=(
            ("16 MB text", "large texts do not come whole through the stand-in; the driver was tried on no server"),
            ("NaN", "a float of SQL Server is always a number"),
            ("infinity", "a float of SQL Server is always a number"),
            ("cp1252 bytes", "the code page belongs to the collation, and the driver converts it; not tried"),
        ),
    ),
    System(
        trial=SourceTrial(
            kind="sybase", product="Sybase ASE", version="no server", by="a fake of FreeTDS's calls", real=False
        ),
        table=trials.SYBASE_TABLE,
        cases=SYBASE,
        source=trials.from_sybase,
        cannot=(
            (SEVEN, "a bigdatetime has microseconds, which arrive as they are"),
            ("NUL", "what FreeTDS makes of a NUL was tried nowhere"),
            (
                "16 MB text",
                "its size is bounded by `max_text_size`, one byte more stops the read; not tried on a server",
            ),
            ("NaN", "a float of ASE's is always a number"),
            ("infinity", "a float of ASE's is always a number"),
        ),
    ),
)
