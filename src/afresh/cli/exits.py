"""What the exit code of a command says."""

from enum import IntEnum

from afresh.core.errors import AfreshError, ConfigurationError, Defect


class Exit(IntEnum):
    """The exit codes of every command."""

    GOOD = 0
    """All is good."""
    NOT_GOOD = 1
    """The command ran, and something that it looked at or did is not good."""
    WRONG = 2
    """Wrong use of the command, or a configuration that cannot work."""
    COULD_NOT_RUN = 3
    """A source or the cache is out of reach, or what was asked for is running already."""
    DEFECT = 4
    """A defect of Afresh."""


def meaning(error: AfreshError) -> Exit:
    """The exit code of a command that ended by the error."""
    if isinstance(error, Defect):
        return Exit.DEFECT
    return Exit.WRONG if isinstance(error, ConfigurationError) else Exit.COULD_NOT_RUN
