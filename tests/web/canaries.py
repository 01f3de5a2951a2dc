"""Secrets that are planted where secrets may stand, and every form in which one could come out again."""

import base64
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus


@dataclass(slots=True)
class Canaries:
    """Planted secrets by where they were planted, and what was looked at."""

    planted: dict[str, str] = field(default_factory=dict)
    looked_at: dict[str, int] = field(default_factory=dict)

    def plant(self, place: str) -> str:
        """A secret of its own for that place, with signs that each way of writing writes in its own way."""
        self.planted[place] = f"k7Q{len(self.planted):03}zW&<\"'%é\\/ ;=+"
        return self.planted[place]

    def found(self, shown: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
        """Where which secret was seen in what form."""
        self.looked_at |= {name: len(text) for name, text in shown.items()}
        return [
            (name, place, form)
            for place, secret in self.planted.items()
            for form, written in forms(secret).items()
            for name, text in shown.items()
            if written in text
        ]


def forms(secret: str) -> dict[str, bytes]:
    """The secret as it could be written, without the marks around it."""
    written = {
        "raw": secret,
        "core": secret[:8],
        "URL": quote(secret, safe=""),
        "form": quote_plus(secret),
        "JSON": json.dumps(secret)[1:-1],
        "JSON, not escaped": json.dumps(secret, ensure_ascii=False)[1:-1],
        "HTML": html.escape(secret),
        "repr": repr(secret)[1:-1],
    }
    found = {form: text.encode() for form, text in written.items()}
    for wide in (secret, secret[:8]):
        for before in range(3):
            whole = base64.b64encode(b"." * before + wide.encode())
            # What stands before and after changes the digits at both ends; those in between are the same everywhere.
            core = whole[4 if before else 0 : len(whole) - 4]
            found[f"base64 of {len(wide)}, {before} before"] = core
            found[f"base64 for URLs of {len(wide)}, {before} before"] = core.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, whatever its form."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
