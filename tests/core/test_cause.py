"""Which cause an error is."""

import pytest

from afresh.core import errors
from afresh.core.cause import NEEDS_A_PERSON, OF_ERROR, Cause, cause_of
from afresh.core.errors import AfreshError, SourceUnavailable

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AfreshError)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_a_cause(kind: type[AfreshError]) -> None:
    """Each error of the tree stands in the table itself, so that nobody forgets a new one."""
    assert cause_of(kind("it broke")) is OF_ERROR[kind]


def test_errors_of_others() -> None:
    """A derived error means what its parent does; an error that is none of ours is a defect."""

    class LineDropped(SourceUnavailable):
        pass

    assert cause_of(LineDropped("it dropped")) is Cause.SOURCE_UNREACHABLE
    assert cause_of(ZeroDivisionError()) is Cause.DEFECT


@pytest.mark.parametrize("kind", ALL)
def test_what_may_help_itself_needs_nobody(kind: type[AfreshError]) -> None:
    """An error after which trying again may help is no cause that waits for a person."""
    assert not (kind.transient and OF_ERROR[kind] in NEEDS_A_PERSON)
