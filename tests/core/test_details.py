"""Details of an update as JSON."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afresh.core.cause import Cause
from afresh.core.details import cause_from, from_json, to_json
from afresh.core.model import Phase, UpdateDetails

DURATIONS = st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30))
COUNTS = st.dictionaries(st.text(max_size=5), st.integers(0, 2**40), max_size=3)
DETAILS = st.builds(
    UpdateDetails,
    phases=st.dictionaries(st.sampled_from(Phase), DURATIONS.map(abs)),
    batches=st.integers(0, 10**6),
    plan=st.text(),
    adjusted=COUNTS,
    quarantined=st.integers(0, 10**6),
    skew=st.none() | DURATIONS,
    latency=st.none() | DURATIONS.map(abs),
    lateness=st.none() | DURATIONS,
    missed=st.none() | st.integers(0, 2**40),
    requested_by=st.text(),
)


@given(DETAILS)
def test_read_as_written(details: UpdateDetails) -> None:
    """Whatever was told is read back as it was."""
    assert from_json(to_json(details)) == details


def test_without() -> None:
    """An update without details has none."""
    assert to_json(None) is None
    assert from_json(None) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "null", '{"phases": 3, "batches": "x", "skew": {}, "adjusted": [1], "plan": 9, "new": 1}'],
)
def test_what_nobody_knows_is_left_out(text: str) -> None:
    """What another version wrote, or nobody can read, is no error."""
    assert from_json(text) == UpdateDetails()


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=4))
def test_odd_values(value: object) -> None:
    """Values of other types than expected are left out."""

    text = json.dumps({"phases": {"read": value}, "batches": value, "skew": value, "plan": value})
    assert from_json(text) is not None


def test_causes() -> None:
    """A cause is read by its word; one that this version does not know needs somebody to look at it."""
    assert [cause_from(text) for text in (None, "bad data", "bad weather")] == [None, Cause.BAD_DATA, Cause.DEFECT]
