"""Oracle, SQL Server and Sybase on fakes: how their types and the odd values arrive, as far as a fake can show it."""

from dataclasses import replace
from functools import partial

import pytest
from tests.sources.fake_trials import Case, System, described, reader
from tests.sources.fake_types import SYSTEMS

from afresh.core.errors import BadValue
from afresh.core.select import Policy
from afresh.testing.cancellation import ManualCancellation
from afresh.testing.odd_values import ODD, same
from afresh.testing.source_seen import ODD as ODD_PROPERTY
from afresh.testing.source_seen import TYPE, Record, Seen, arrow_of, became, pairs

pytest.importorskip("mssql_python", reason="the extra sqlserver is not installed")
CASES = [(system, case) for system in SYSTEMS for case in system.cases]
WITHOUT = [(system, name, reason) for system in SYSTEMS for name, reason in system.cannot]


def _tell(system: System, record: Record) -> None:
    for name in ("kind", "product", "version", "by", "real"):
        record(f"source.{name}", getattr(system.trial, name))


@pytest.mark.parametrize(
    ("system", "case"),
    CASES,
    ids=[f"{system.trial.kind}-{n}-{case.odd or case.catalogue[0]}" for n, (system, case) in enumerate(CASES)],
)
def test_on_a_fake(system: System, case: Case, record_property: Record) -> None:
    """A value arrives exactly in the type that the catalogue makes of its declared type, next to a null; one that does
    not fit stops the read or follows its column's policy."""
    _tell(system, record_property)
    declared, arrives = described(system, case)
    wanted = case.read_as or arrives
    read = reader(system, case, declared, wanted)
    seen = Seen(declared=declared, described=arrives, read_as=wanted, note=case.note, odd=case.odd)
    name = ODD_PROPERTY if case.odd else TYPE
    if case.came is None:
        told = {str(policy): became(policy, partial(read, policy))[0] for policy in Policy}
        record_property(name, replace(seen, misfits={case.written: told}).written())
        with pytest.raises(BadValue, match=r"V.*Id=1\b"):
            read(Policy.STOP, ManualCancellation())
        assert (told[Policy.NULL], told[Policy.QUARANTINE]) == ("null", "its row is set aside")
        return
    batches = read(Policy.STOP, ManualCancellation())
    record_property(name, replace(seen, arrow=arrow_of(batches), arrived=pairs([case.written], batches)).written())
    found = {row["Id"]: row["V"] for batch in batches for row in batch.to_pylist()}
    assert same(found[1], case.came), found[1]
    assert found[2] is None


@pytest.mark.parametrize(("system", "name", "reason"), WITHOUT, ids=[f"{s.trial.kind}-{n}" for s, n, _ in WITHOUT])
def test_what_is_not_tried(system: System, name: str, reason: str, record_property: Record) -> None:
    """An odd value that a database does not have, or that a fake cannot show, stands there with the reason."""
    _tell(system, record_property)
    record_property(ODD_PROPERTY, Seen(odd=name, cannot=reason).written())
    pytest.xfail(reason)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.trial.kind)
def test_every_odd_value_is_spoken_of(system: System, record_property: Record) -> None:
    """Each odd value is tried, or there is a reason why not."""
    _tell(system, record_property)
    told = {case.odd for case in system.cases} | {name for name, _ in system.cannot}
    assert {odd.name for odd in ODD} <= told
