"""From what a driver delivers to what it means, before it is made to fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute

from afresh.core.model import Misfit
from afresh.core.ports import Reading
from afresh.core.schema import TIMESTAMP
from afresh.core.select import Output, Policy
from afresh.sources.values import Array, Unfit, convert

pc: Any = pyarrow.compute

_UTC = ZoneInfo("UTC")
_REPLACEMENT = "�"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How columns are to be understood, by their declared types: `instants` come as texts with an offset, `raw` ones
    as bytes in the code page `charset`, and at the end of `padded` texts blanks mean nothing (None: of no text)."""

    instants: Callable[[str], bool]
    charset: str | None = None
    raw: Callable[[str], bool] = lambda declared: False
    padded: Callable[[str], bool] | None = None

    def columns(self, batch: pa.RecordBatch, outputs: Sequence[Output], reading: Reading) -> list[Array]:
        """The columns of the batch, which stand in the order of the outputs."""
        return [self._column(batch.column(at), output, reading) for at, output in enumerate(outputs)]

    def _column(self, column: Array, output: Output, reading: Reading) -> Array:
        if self.charset and pa.types.is_binary(column.type) and self.raw(output.declared):
            column = decoded(column, self.charset, output, reading)
        if not pa.types.is_string(column.type):
            return column
        if self.padded is not None and self.padded(output.declared):
            column = pc.utf8_rtrim(column, characters=" ")
        if self.instants(output.declared) and output.type != TIMESTAMP:
            return _instants(column)
        if pa.types.is_integer(output.type):
            return pc.replace_substring_regex(column, r"\.0+$", "")
        return column


def decoded(column: Array, charset: str, output: Output, reading: Reading) -> Array:
    """Bytes as texts; what the code page does not have is replaced by U+FFFD, whatever the column's policy, and its
    rows are counted as `clamp`: the nearest text there is."""
    texts: list[str | None] = []
    bad = 0
    for value in column.to_pylist():
        text = None if value is None else value.decode(charset, "replace")
        bad += text is not None and _REPLACEMENT in text
        texts.append(text)
    if bad:
        reason = f"bytes that the code page {charset} does not have were replaced"
        reading.report(Misfit(column=output.column, policy=Policy.CLAMP, rows=bad, reason=reason))
    return pa.array(texts, pa.string())


def _instants(texts: Array) -> Array:
    """Instants, if all of them are; else the texts, among which the one that is none is named later."""
    try:
        return convert(texts, TIMESTAMP, _UTC)
    except Unfit:
        return texts
