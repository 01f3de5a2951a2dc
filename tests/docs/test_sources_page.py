"""The pages of sources and of types say what was really run, and what was a fake."""

from pathlib import Path

import pytest

from afresh import wiring
from afresh.core.select import Policy
from afresh.testing import kit_report
from afresh.testing.markdown import visible
from afresh.testing.odd_values import ODD, OddValue
from afresh.testing.source_report import SourceRecord, read

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SOURCES = (REFERENCE / "sources.md").read_text(encoding="utf-8")
TYPES = (REFERENCE / "types.md").read_text(encoding="utf-8")
RECORDS = read(REFERENCE / "sources.json")
NAMES = [f"{record.kind}-{record.product}-{record.version}" for record in RECORDS]


def test_every_source_stands_on_the_page() -> None:
    """Each kind of source has a row; one without a recorded run is said not to be tested."""
    for name in wiring.SOURCES:
        (row, *_) = [line for line in SOURCES.splitlines() if f"`{name}`" in line]
        recorded = any(wiring.SOURCES[record.kind] is wiring.SOURCES[name] for record in RECORDS)
        assert recorded != ("not tested" in row), name


@pytest.mark.parametrize("record", RECORDS, ids=NAMES)
def test_a_record_adds_up(record: SourceRecord) -> None:
    """Its counts add up, and nothing that is recorded failed: what fails the kit is mended, not written down."""
    assert record.tests == record.passed + len(record.gaps) + len(record.outside)
    assert (record.failed, record.skipped) == ([], [])
    assert all([*record.gaps.values(), *record.outside.values()])
    assert record.tests > (200 if record.real else 15)


@pytest.mark.parametrize("record", RECORDS, ids=NAMES)
def test_a_fake_is_called_a_fake(record: SourceRecord) -> None:
    """Nothing that ran without its product is shown as if it had been there, on either page."""
    heading = f"## {record.product} {record.version if record.real else 'on a fake'} as {record.kind}\n"
    for page in (SOURCES, TYPES):
        section = page.partition(heading)[2].partition("\n## ")[0]
        assert record.date in section
        assert record.real != ("No product was there" in section)


@pytest.mark.parametrize("odd", ODD, ids=[odd.name for odd in ODD])
def test_every_odd_value_is_spoken_of(odd: OddValue) -> None:
    """Each odd value was tried with each source, or there is a reason why not; every kind of cache is shown."""
    for record in RECORDS:
        found = [seen for seen in record.odd if seen.odd == odd.name]
        assert found, record.subject
        assert all(seen.arrived or seen.misfits or seen.cannot for seen in found), record.subject
    section = TYPES.partition(f"\n### {odd.name}\n")[2].partition("\n#")[0]
    recorded = [cache for cache in kit_report.read(REFERENCE / "caches.json") if cache.odd]
    assert {wiring.CACHES[cache.kind] for cache in recorded} == set(wiring.CACHES.values())
    for cache in recorded:
        assert f"| {visible(cache.odd[odd.name])} |" in section, cache.product


@pytest.mark.parametrize("record", RECORDS, ids=NAMES)
def test_what_does_not_fit_is_told_for_every_policy(record: SourceRecord) -> None:
    """A value that does not fit stops the sync, and it is said what becomes of it under each other policy."""
    for seen in (*record.types, *record.odd):
        for value, became in seen.misfits.items():
            assert set(became) == set(map(str, Policy)), (seen.declared, value)
            assert became[Policy.STOP].startswith("stops"), (seen.declared, value)
