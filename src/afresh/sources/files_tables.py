"""Files as tables: which files, which columns, and the SQL by which DuckDB reads them."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field

from afresh.core.errors import ConfigurationError, QueryFailed, SourceUnavailable
from afresh.core.schema import DATETIME, TIMESTAMP, parse_type

Format = Literal["parquet", "csv", "jsonl"]

TEXT = ":text"
"""What follows a column's name in the name of the column that has it as it stands in the file."""

_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_LINE = 32 * 1024 * 1024
_BATCH_ROWS, _BATCH_BYTES = 8_192, 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """One table: files that have the same columns."""

    path: Annotated[
        str,
        Field(
            min_length=1,
            description="The file, or a pattern for several such as `orders/*.parquet`; relative to the configuration "
            "file's directory.",
        ),
    ]
    format: Annotated[
        Format | None, Field(description="`parquet`, `csv` or `jsonl` (one JSON object a line); by default the suffix.")
    ] = None
    key: Annotated[tuple[str, ...], Field(description="Columns that identify a row.")] = ()
    columns: Annotated[
        Mapping[str, str],
        Field(
            description="Types of columns by name. CSV: those not named are text. JSON lines: the columns there are, "
            "all others are left out."
        ),
    ] = field(default_factory=dict)
    delimiter: Annotated[str, Field(min_length=1, max_length=1, description="CSV: what stands between values.")] = ","
    null: Annotated[str, Field(description="CSV: how null is written, without quotes.")] = ""

    def kind(self) -> Format:
        """The format, told or by the suffix."""
        found = self.format or _SUFFIXES.get(Path(self.path).suffix.lower())
        if found is None:
            raise ConfigurationError(
                f"{self.path}: the suffix does not tell the format of the file",
                hint="Set `format` to `parquet`, `csv` or `jsonl`.",
            )
        return found


@dataclass(frozen=True, slots=True)
class Stamp:
    """What shows that a file is still the same."""

    size: int
    changed: int
    inode: int


class Files:
    """The files of one table, as they are at the beginning of a read."""

    def __init__(self, place: str, name: str, table: FileTable, base: Path) -> None:
        self.name = name
        self.table = table
        self.kind = table.kind()
        self._place = f"{place}: {name}"
        pattern = Path(table.path)
        root = Path(pattern.anchor) if pattern.is_absolute() else base
        self.paths = sorted(root.glob(str(pattern.relative_to(pattern.anchor)))) if table.path else []
        if not self.paths:
            raise SourceUnavailable(
                f"{self._place}: there is no file {table.path}", hint="See whether the files' place is there."
            )
        self._stamps = [self._stamp(path) for path in self.paths]

    def check(self) -> None:
        """Raises `SourceUnavailable` if one of the files is not as it was: what was read is of no certain state."""
        for path, stamp in zip(self.paths, self._stamps, strict=True):
            if self._stamp(path) != stamp:
                raise SourceUnavailable(
                    f"{self._place}: {path} changed while it was read",
                    hint="Let the writer make another file and rename it when it is whole.",
                )

    def _stamp(self, path: Path) -> Stamp:
        try:
            found = path.stat()
        except OSError as error:
            raise SourceUnavailable(f"{self._place}: {path} has gone") from error
        return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)

    # ------------------------------------------------------------------------------------------ columns

    def texts(self) -> tuple[str, ...]:
        """The columns of a CSV file or of JSON lines."""
        if self.kind == "jsonl":
            if not self.table.columns:
                raise ConfigurationError(
                    f"{self._place}: JSON lines do not tell their columns",
                    hint='Name them with their types: columns = { Id = "int64", Name = "text" }.',
                )
            return tuple(self.table.columns)
        headers = {path: self._header(path) for path in self.paths}
        first = headers[self.paths[0]]
        for path, header in headers.items():
            if header != first:
                raise QueryFailed(f"{self._place}: {path} has other columns than {self.paths[0]}")
        for name in self.table.columns:
            if name not in first:
                raise QueryFailed(f"{self._place}: there is no column {name!r}", hint=f"There are: {', '.join(first)}.")
        return first

    def _header(self, path: Path) -> tuple[str, ...]:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                found = tuple(next(csv.reader(file, delimiter=self.table.delimiter), ()))
        except UnicodeDecodeError:
            raise QueryFailed(f"{self._place}: {path} is not UTF-8", hint="Convert the file to UTF-8.") from None
        if not found or len(set(found)) != len(found):
            raise QueryFailed(f"{self._place}: {path} has no first line that names its columns, each once")
        return found

    def type_of(self, column: str) -> tuple[pa.DataType, int | None]:
        """The type and length of a column of texts."""
        return parse_type(self.table.columns.get(column, "text"))

    # ------------------------------------------------------------------------------------------ SQL

    def source_sql(self) -> str:
        """The function that reads the files; of JSON lines there is none, they are read by `lines`."""
        places = "[" + ", ".join(quoted(str(path)) for path in self.paths) + "]"
        if self.kind == "parquet":
            return f"read_parquet({places})"
        columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in self.texts())
        return (
            f"read_csv({places}, auto_detect = false, header = true, columns = {{{columns}}}, "
            f"delim = {quoted(self.table.delimiter)}, quote = '\"', escape = '\"', "
            f"nullstr = {quoted(self.table.null)}, allow_quoted_nulls = false, strict_mode = true, "
            f"max_line_size = {_LINE}, buffer_size = {_LINE})"
        )

    def lines(self) -> pa.RecordBatchReader:
        """The JSON lines as columns of texts: numbers with the digits they are written with, nested values as JSON."""
        names = self.texts()
        schema = pa.schema([pa.field(name, pa.string()) for name in names])
        return pa.RecordBatchReader.from_batches(schema, self._line_batches(names, schema))

    def _line_batches(self, names: Sequence[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        columns: list[list[str | None]] = [[] for _ in names]
        size = 0
        for number, line in self._lines():
            found = self._object(number, line)
            for column, name in zip(columns, names, strict=True):
                column.append(_written(found.get(name)))
            size += len(line)
            if len(columns[0]) >= _BATCH_ROWS or size >= _BATCH_BYTES:
                yield pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=schema)
                columns, size = [[] for _ in names], 0
        if columns[0]:
            yield pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=schema)

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        for path in self.paths:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield f"{path} line {number}", line

    def _object(self, place: str, line: bytes) -> Mapping[str, Any]:
        try:
            found = json.loads(line, parse_float=_Number, parse_int=_Number, parse_constant=_Number)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise QueryFailed(f"{self._place}: {place} is no JSON object")
        return found


class _Number(str):
    """A number as it is written."""


def _written(value: Any, *, nested: bool = False) -> str | None:
    """A JSON value as text; within others as JSON."""
    match value:
        case None:
            return "null" if nested else None
        case bool():
            return "true" if value else "false"
        case _Number():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False) if nested else value
        case list():
            return "[" + ",".join(_written(item, nested=True) or "" for item in value) + "]"
        case _:
            pairs = (f"{json.dumps(k, ensure_ascii=False)}:{_written(item, nested=True)}" for k, item in value.items())
            return "{" + ",".join(pairs) + "}"


def compared(column: str, kind: pa.DataType) -> str:
    """A column of texts as its type, for conditions only: what is no value of the type counts as later than all, so
    that no window misses it, and the read says that it does not fit."""
    duck, greatest = _COMPARED.get(str(kind), ("VARCHAR", ""))
    if pa.types.is_decimal128(kind):
        duck, greatest = f"DECIMAL({kind.precision},{kind.scale})", f"'{'9' * (kind.precision - kind.scale) or '0'}'"
    if duck == "VARCHAR":
        return column
    return f"CASE WHEN {column} IS NOT NULL THEN COALESCE(TRY_CAST({column} AS {duck}), CAST({greatest} AS {duck})) END"


_COMPARED: dict[str, tuple[str, str]] = {
    "bool": ("BOOLEAN", "true"),
    "int16": ("BIGINT", "9223372036854775807"),
    "int32": ("BIGINT", "9223372036854775807"),
    "int64": ("BIGINT", "9223372036854775807"),
    "double": ("DOUBLE", "'infinity'"),
    "date32[day]": ("DATE", "'infinity'"),
    "time64[us]": ("TIME", "'24:00:00'"),
    str(DATETIME): ("TIMESTAMP", "'infinity'"),
    str(TIMESTAMP): ("TIMESTAMP WITH TIME ZONE", "'infinity'"),
}


def quoted(text: str) -> str:
    """The text as a literal of DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"
