"""What is wrong with a configuration, for people: where, what was expected, what was probably meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from afresh.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. `file` is a path or an environment variable; `line` and `column` count from 1, None if there is
    no such place. `quote` is the line with a caret below it; no secret is in any of the texts."""

    file: str
    message: str
    line: int | None = None
    column: int | None = None
    quote: str = ""
    suggestion: str = ""


class InvalidConfiguration(ConfigurationError):
    """The configuration has problems; the message is all of them."""

    default_hint = "Correct the configuration and run `afresh check`."

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(render(problems))
        self.problems = tuple(problems)


def render(problems: Sequence[Problem]) -> str:
    """All problems as text, each with its place, its line and a suggestion."""
    count = f"{len(problems)} problems" if len(problems) != 1 else "1 problem"
    return "\n\n".join([f"The configuration has {count}.", *(_rendered(problem) for problem in problems)])


def _rendered(problem: Problem) -> str:
    place = problem.file
    if problem.line is not None:
        place += f":{problem.line}:{problem.column}"
    lines = [f"{place}: {problem.message}"]
    if problem.quote:
        lines.append(problem.quote)
    if problem.suggestion:
        lines.append(f"  {problem.suggestion}")
    return "\n".join(lines)
