"""The collecting of problems while a configuration is read."""

from dataclasses import dataclass, field

from afresh.config import masks
from afresh.config.nodes import Node, Place, Span, Variable
from afresh.config.problems import Problem
from afresh.config.text import Text

WHOLE = Span(0, 0)
"""The file as a whole."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at a place; `absence` means that something is missing."""

    place: Place
    message: str
    suggestion: str = ""
    absence: bool = False


@dataclass(slots=True)
class Findings:
    """All that was found so far, and what must not be shown of the file."""

    found: list[Finding] = field(default_factory=list)
    hidden: list[Span] = field(default_factory=list)

    def add(self, place: Place, message: str, suggestion: str = "", *, absence: bool = False) -> None:
        """Notes a problem."""
        self.found.append(Finding(place, message, suggestion, absence))

    def hide(self, node: Node, *, numbers: bool = True) -> None:
        """Lets no value of the node be shown; or only no text."""
        self.hidden.extend(masks.everything(node, numbers=numbers))

    def problems(self, text: Text, *, partial: bool = False) -> tuple[Problem, ...]:
        """The problems by their place in the file, those of the environment first.

        Of a file that was read in part only, nothing is said to be missing.
        """
        kept = dict.fromkeys(finding for finding in self.found if not (partial and finding.absence))
        if not self.found:
            return ()
        hidden = sorted({*self.hidden, *masks.by_text(text.content)}, key=lambda span: (span.start, -span.end))
        return tuple(_problem(finding, text, hidden) for finding in sorted(kept, key=_order))


def _order(finding: Finding) -> tuple[int, int]:
    return (1, finding.place.start) if isinstance(finding.place, Span) else (0, 0)


def _problem(finding: Finding, text: Text, hidden: list[Span]) -> Problem:
    if isinstance(finding.place, Variable):
        return Problem(
            file=f"environment variable {finding.place.name}", message=finding.message, suggestion=finding.suggestion
        )
    if finding.place == WHOLE:
        return Problem(file=text.file, message=finding.message, suggestion=finding.suggestion)
    line, column = text.position(finding.place.start)
    return Problem(
        file=text.file,
        line=line,
        column=column,
        message=finding.message,
        quote=text.quote(finding.place, hidden),
        suggestion=finding.suggestion,
    )
