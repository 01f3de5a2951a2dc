"""Implied decimals and padded text."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afresh.jde.decimals import number_type, scaled, too_long
from afresh.jde.texts import blank_as_null, masked, null_as_blank, trimmed

LIMIT = 10**18


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(1 - LIMIT, LIMIT - 1), max_size=20), st.integers(1, 15), st.integers(0, 3))
def test_decimals_are_exact(numbers: list[int | None], scale: int, start: int) -> None:
    """Each number is moved by its implied decimals, whatever its size and sign, also in a slice."""
    column = pa.array(numbers, pa.int64()).slice(min(start, len(numbers)))
    expected = [None if n is None else Decimal(n).scaleb(-scale) for n in column.to_pylist()]
    found = scaled(column, scale)
    assert found.type == pa.decimal128(18, scale)
    assert found.to_pylist() == expected
    found.validate(full=True)


def test_whole_numbers_stay_integers() -> None:
    """A number without implied decimals is an integer."""
    assert number_type(0) == pa.int64()
    assert number_type(4) == pa.decimal128(18, 4)


@pytest.mark.parametrize("number", [LIMIT, -LIMIT, 2**63 - 1, -(2**63)])
def test_numbers_with_too_many_digits_are_found(number: int) -> None:
    """More than 18 digits are pointed out, and only they."""
    wrong = too_long(pa.array([1, number, None]))
    assert wrong is not None
    assert wrong.tolist() == [False, True, False]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(1 - LIMIT, LIMIT - 1), max_size=5))
def test_numbers_that_fit_are_not_complained_of(numbers: list[int | None]) -> None:
    """Up to 18 digits fit."""
    assert too_long(pa.array(numbers, pa.int64())) is None


TEXTS = st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=12), max_size=10)


@settings(deadline=None)
@given(TEXTS)
def test_only_blanks_are_trimmed(texts: list[str | None]) -> None:
    """Text of any alphabet loses its blanks behind, and in front if asked, and nothing else."""
    column = pa.array(texts, pa.string())
    behind = [None if text is None else text.rstrip(" ") for text in texts]
    both = [None if text is None else text.strip(" ") for text in texts]
    assert trimmed(column, both_sides=False).to_pylist() == behind
    assert trimmed(column, both_sides=True).to_pylist() == both


@settings(deadline=None)
@given(TEXTS)
def test_nothing_is_null_or_empty_as_asked(texts: list[str | None]) -> None:
    """Empty text becomes null, or null becomes empty text; the rest stays."""
    column = pa.array(texts, pa.string())
    assert blank_as_null(column).to_pylist() == [text or None for text in texts]
    assert null_as_blank(column).to_pylist() == [text or "" for text in texts]


def test_a_masked_value_shows_its_shape() -> None:
    """Digits are hidden, the rest of a number is not."""
    assert masked("-124367") == "-999999"
