"""The note that a service leaves in the cache at each check: that it looked, when by its clock, and who it is. Others
see by it that a service is at work."""

from datetime import timedelta

from afresh.core.facts import LastCheck
from afresh.core.ports import Leases

_NAME = "check"


def last_check(leases: Leases) -> LastCheck | None:
    """The note of the last check, whoever made it."""
    note = next((lease for lease in leases.held(_NAME) if lease.name == _NAME), None)
    return None if note is None else LastCheck(at=note.expires, instance_id=note.holder)


def note_check(leases: Leases, check: LastCheck) -> None:
    """Leaves the note; where another service has left one with a later time, that one stays."""
    found = last_check(leases)
    if found is not None and found.instance_id == check.instance_id and found.at > check.at:
        # Our own clock went back since then.
        for lease in leases.held(_NAME):
            leases.release(lease)
    leases.take(_NAME, check.instance_id, check.at, timedelta(0))
