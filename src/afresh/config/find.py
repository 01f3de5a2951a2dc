"""Where the configuration is when nobody says so."""

from collections.abc import Mapping
from pathlib import Path

from afresh.core.errors import ConfigurationError

VARIABLE = "AFRESH_CONFIG"
PREFIX = "AFRESH__"
"""With which the names of variables begin that stand for settings."""
NAMES = ("afresh.toml", "appsettings.json")


def find(directory: Path, environ: Mapping[str, str]) -> Path:
    """The file that `AFRESH_CONFIG` names, else the first of `afresh.toml` and `appsettings.json` in the directory.

    `ConfigurationError` says what was looked for.
    """
    named = environ.get(VARIABLE)
    if named:
        found = directory / named
        if not found.is_file():
            raise ConfigurationError(
                f"{VARIABLE} names {named}, and there is no such file",
                hint=f"Correct the environment variable {VARIABLE}, or unset it.",
            )
        return found
    for name in NAMES:
        if (directory / name).is_file():
            return directory / name
    raise ConfigurationError(
        f"no configuration found: there is no {' and no '.join(NAMES)} in {directory}, and {VARIABLE} is not set",
        hint="Run `afresh init` to make one, or name one with --config.",
    )
