"""Decimals from texts, many at a time: exactly what each text says, or left to the parser that takes everything."""

from decimal import Context, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from afresh.sources.short_decimals import of_texts
from afresh.sources.values import Unfit, convert

TEXTS = st.none() | st.text("0123456789.-+xeE ", max_size=8) | st.decimals(-(10**14), 10**14, places=4).map(str)
COLUMNS = st.lists(TEXTS, max_size=8) | st.lists(st.decimals(-(10**9), 10**9, places=4).map("{:f}".format), max_size=8)


@settings(deadline=None)
@given(COLUMNS, st.sampled_from([(15, 4), (18, 0), (5, 2), (38, 20)]), st.integers(0, 3))
@example(["1.5", None, "-.25", "7."], (15, 4), 0)
@example(["999999999999999"], (38, 20), 0)
@example(["1-.5"], (15, 4), 0)
@example(["1.2.3", "4"], (15, 4), 0)
@example(["0x1.2345"], (15, 4), 0)
def test_a_text_becomes_the_number_that_it_spells_or_none(
    texts: list[str | None], sizes: tuple[int, int], skipped: int
) -> None:
    """Whatever stands in a column, and wherever it was cut from another: what comes is what Python's decimals say."""
    wanted = pa.decimal128(*sizes)
    column = pa.array(["9.9", None, "-1", *texts], pa.string()).slice(3)[skipped:]
    found = of_texts(column, wanted)
    if found is not None:
        found.validate(full=True)
        assert found.to_pylist() == [None if text is None else Decimal(text) for text in column.to_pylist()]
    try:
        converted = convert(column, wanted, ZoneInfo("UTC")).to_pylist()
    except Unfit:
        assert not all(text is None or _fits(text, sizes) for text in column.to_pylist())
    else:
        assert converted == [None if text is None else Decimal(text) for text in column.to_pylist()]


@pytest.mark.parametrize("texts", [["-12.3456", "0.0001", None], ["1", "-20"], ["1.5", "2.25", ".125"]])
def test_what_drivers_write_is_read_at_once(texts: list[str | None]) -> None:
    """Numbers with as many places as the type has, with fewer, and with none."""
    found = of_texts(pa.array(texts), pa.decimal128(15, 4))
    assert found is not None
    assert found.to_pylist() == [None if text is None else Decimal(text) for text in texts]


def _fits(text: str, sizes: tuple[int, int]) -> bool:
    """Whether it is a number that the type holds exactly."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    if text.strip() != text or "_" in text or not number.is_finite():
        return False
    unit, wide = Decimal(1).scaleb(-sizes[1]), Context(prec=200)
    return number == 0 or (
        abs(number) < Decimal(1).scaleb(sizes[0] - sizes[1]) and number == number.quantize(unit, context=wide)
    )
