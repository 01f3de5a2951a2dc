"""Where the process that owns a cache alone listens: a note beside the cache, for those who can read it."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendezvous:
    """Where the owner listens, by which token it knows those who may read its note, and which process it is."""

    url: str
    token: str
    process: int

    def write(self, note: Path) -> None:
        """Puts the note where only this user can read it."""
        with suppress(FileNotFoundError):
            note.unlink()
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": self.url, "token": self.token, "process": self.process}, file)

    @classmethod
    def read(cls, note: Path) -> "Rendezvous | None":
        """The note, if there is one whose process lives."""
        try:
            told = json.loads(note.read_text(encoding="utf-8"))
            found = cls(url=str(told["url"]), token=str(told["token"]), process=int(told["process"]))
            os.kill(found.process, 0)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if found.url.startswith("http://127.0.0.1:") else None
