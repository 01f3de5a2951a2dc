"""The note that a service leaves in the cache at each check: that it looked, when by its clock, and who it is. Others
see by it that a service is at work."""

from datetime import timedelta

from afresh.core.facts import LastCheck
from afresh.core.ports import Lease, Leases

_NAME = "check"


def last_check(leases: Leases) -> LastCheck | None:
    """The note of the last check, whoever made it."""
    note = _note(leases)
    return None if note is None else LastCheck(at=note.expires, instance_id=note.holder)


def note_check(leases: Leases, check: LastCheck) -> None:
    """Leaves the note; where another service has left one with a later time, that one stays."""
    found = last_check(leases)
    if found is not None and found.instance_id == check.instance_id and found.at > check.at:
        # Our own clock went back since then.
        _forget(leases)
    leases.take(_NAME, check.instance_id, check.at, timedelta(0))


def set_back(leases: Leases, lost: timedelta) -> None:
    """After a clock went back by so much the last check is older by as much than its note says."""
    found = last_check(leases)
    if found is not None:
        _forget(leases)
        leases.take(_NAME, found.instance_id, found.at - lost, timedelta(0))


def _note(leases: Leases) -> Lease | None:
    return next((lease for lease in leases.held(_NAME) if lease.name == _NAME), None)


def _forget(leases: Leases) -> None:
    note = _note(leases)
    if note is not None:
        leases.release(note)
