"""What is wrong with a TOML file, where exactly, and what was probably meant: better than the parser tells it."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace

from afresh.config.brackets import open_bracket, open_quote, open_string

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_NAME = "expected the name of a setting here"

_EXPECTED = (
    ("Invalid initial character for a key part", _NAME),
    ("Invalid value", "expected a value here: text in quotes, a number, true, false, a list or a table"),
    ("Expected '=' after a key", "expected `=` and a value after the name"),
    ("Expected newline or end of document", "expected the line to end here"),
    ("Cannot overwrite a value", "this setting is given twice"),
    ("Duplicate inline table key", "this setting is given twice"),
    ("Cannot declare", "this table is given twice"),
    ("Cannot redefine namespace", "this table is given twice"),
    ("Cannot mutate immutable", "this adds to a list or table that is complete already"),
    ("Invalid statement", "expected the name of a setting, or of a table in brackets"),
    ("Unescaped '\\' in a string", "a backslash starts an escape such as \\n; write `\\\\`, or use single quotes"),
    ("Escaped character is not a Unicode", "the escape names no character"),
    ("Invalid hex value", "the escape needs hexadecimal digits"),
    ("Illegal character", "this character may not stand here; is a closing quote missing?"),
    ("Found invalid character", "this character may not stand here; is a closing quote missing?"),
    ("Unterminated string", "the text that starts here has no closing quote"),
    ('Expected "\'"', "the text that starts here has no closing quote"),
    ('Expected \'"""\'', "the text that starts here has no closing quote"),
    ("Expected \"'''\"", "the text that starts here has no closing quote"),
    ("Unclosed array", "expected `,` or `]`"),
    ("Unclosed inline table", "expected `,` or `}`"),
    ("Expected ']]'", "expected `]]` at the end of the name of a list of tables"),
    ("Expected ']'", "expected `]` at the end of the name of a table"),
    ("Invalid date or datetime", "this is no date or time that exists"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A syntax error. `goes_on` says whether the file makes sense without the line; `whole_line` what to point at."""

    line: int
    column: int
    message: str
    suggestion: str = ""
    goes_on: bool = False
    whole_line: bool = False


def fault(error: tomllib.TOMLDecodeError, content: str, first: Callable[[int], int | None]) -> Fault:
    """The error, as it is told. `first` gives the line of what the line with that number repeats."""
    raw = str(error)
    place = _PLACE.search(raw)
    reason = raw[: place.start()] if place else raw
    message = next((told for start, told in _EXPECTED if reason.startswith(start)), reason)
    if place and place[1]:
        line, column = int(place[1]), int(place[2])
    else:
        line, column = _position(content, len(content.rstrip()))
    found = Fault(line=line, column=column, message=message)
    if "given twice" in message:
        found = _repeated(found, content, first(line))
    elif "no closing quote" in message:
        found = _unclosed_text(found, content)
    elif reason.startswith("Unclosed"):
        found = _unclosed_bracket(found, content)
    elif message == _NAME:
        found = _in_braces(found, content)
    return replace(
        found,
        message=f"{found.message} (not valid TOML)",
        suggestion=found.suggestion or _suggestion(_line(content, found.line)),
        goes_on=_faulty_alone(_line(content, found.line), found),
    )


def without(content: str, number: int) -> str:
    """The text with blanks for a line, so that all places stay."""
    lines = content.split("\n")
    lines[number - 1] = " " * len(lines[number - 1].encode())
    return "\n".join(lines)


def _repeated(found: Fault, content: str, first: int | None) -> Fault:
    line = _line(content, found.line)
    told = f"{found.message}; first in line {first}" if first else found.message
    return replace(found, column=len(line) - len(line.lstrip()) + 1, message=told, whole_line=True)


def _unclosed_text(found: Fault, content: str) -> Fault:
    index = open_string(content)
    if index is None:
        index = open_quote(content)
    if index is None:
        return found
    line, column = _position(content, index)
    return replace(found, line=line, column=column)


def _unclosed_bracket(found: Fault, content: str) -> Fault:
    bracket = open_bracket(content, _index(content, found))
    if bracket is None:
        return found
    opened = "list" if content[bracket] == "[" else "table"
    return replace(found, message=f"{found.message}; the {opened} was opened in line {_position(content, bracket)[0]}")


def _in_braces(found: Fault, content: str) -> Fault:
    index = _index(content, found)
    bracket = open_bracket(content, index)
    if bracket is None or content[bracket] != "{":
        return found
    if content[index : index + 1] in ("\n", "\r", "#", ""):
        return replace(
            found,
            message="a table in braces must end in the line in which it starts",
            suggestion="Write a [table] of its own for more lines.",
        )
    if content[index] == "}" and content[:index].rstrip().endswith(","):
        return replace(found, message="no comma may follow the last setting of a table in braces")
    return found


def _suggestion(line: str) -> str:
    """What was probably meant by a line with a value that is none."""
    match = re.fullmatch(r"\s*[\w.\"'-]+\s*=\s*(\S+)\s*(?:#.*)?", line)
    value = match[1] if match else ""
    if value.lower() in ("true", "yes", "on", "false", "no", "off") and value not in ("true", "false"):
        return f"Did you mean {'true' if value.lower() in ('true', 'yes', 'on') else 'false'}?"
    return f'Did you mean "{value}"?' if re.fullmatch(r"\d+[a-z]{1,2}", value) else ""


def _faulty_alone(line: str, found: Fault) -> bool:
    """Whether the mistake is in this line and the rest may be read without it."""
    if line.lstrip().startswith("[") or '"""' in line or "'''" in line or "in braces must end" in found.message:
        return False
    if found.whole_line:
        return True
    try:
        tomllib.loads(line)
    except ValueError as error:
        return "Unclosed" not in str(error)
    return False


def _line(content: str, number: int) -> str:
    return content.split("\n")[number - 1].rstrip("\r")


def _position(content: str, index: int) -> tuple[int, int]:
    return content.count("\n", 0, index) + 1, index - (content.rfind("\n", 0, index) + 1) + 1


def _index(content: str, found: Fault) -> int:
    return sum(len(part) + 1 for part in content.split("\n")[: found.line - 1]) + found.column - 1
