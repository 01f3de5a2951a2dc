"""Texts as instants and as whole numbers, whichever of them comes first."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from afresh.core.schema import TIMESTAMP
from afresh.sources.values import Unfit, convert

ZURICH = ZoneInfo("Europe/Zurich")
ZONED, PLAIN = "2024-05-01 10:00:00+00", "2024-05-01 12:00:00"
AT = datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "texts", [[ZONED, ZONED], [PLAIN, PLAIN], [ZONED, PLAIN], [PLAIN, ZONED], [None, ZONED], [None, PLAIN]]
)
def test_texts_with_and_without_an_offset_mean_the_same_instant(texts: list[str | None]) -> None:
    """Alone, mixed in either order, and behind a null."""
    found = convert(pa.array(texts), TIMESTAMP, ZURICH)
    assert found.to_pylist() == [None if text is None else AT for text in texts]


@pytest.mark.parametrize("wrong", ["no date", "", "2024-05-01 12:00:00+99:99"])
@pytest.mark.parametrize("right", [ZONED, PLAIN])
def test_a_text_that_is_no_instant_does_not_fit(right: str, wrong: str) -> None:
    """First or last."""
    for texts in ([right, wrong], [wrong, right]):
        with pytest.raises(Unfit):
            convert(pa.array(texts), TIMESTAMP, ZURICH)


@pytest.mark.parametrize("wrong", ["0x1F", "+5", "", "-", "5-", "--5", "1.0", " 5", "99999999999"])
def test_a_text_that_is_no_whole_number_does_not_fit(wrong: str) -> None:
    """Nor one that is too large, behind one that is."""
    with pytest.raises(Unfit):
        convert(pa.array(["-7", wrong]), pa.int32(), ZURICH)


def test_whole_numbers_are_read_from_a_slice() -> None:
    """Only its own texts are looked at."""
    texts = pa.array(["0x1F", "-007", None, "12", "x"]).slice(1, 3)
    assert convert(texts, pa.int32(), ZURICH).to_pylist() == [-7, None, 12]
