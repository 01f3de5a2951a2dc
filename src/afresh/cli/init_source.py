"""`afresh init --source URL`: a configuration from what a live source says of itself."""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from afresh import wiring
from afresh.cli import source_starter
from afresh.cli.addresses import Address, address
from afresh.cli.survey import Survey, survey
from afresh.config.load import load
from afresh.core.errors import ConfigurationError
from afresh.core.options import DataSyncOptions

DEFAULT_NAME = "SOURCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for. `name` is that of the source system; `patterns` choose tables by name."""

    url: str
    name: str
    schema: str | None = None
    patterns: Sequence[str] = ()
    views: bool = False
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The text of the file, what it came from, and the environment variable with the password, if there is one."""

    text: str
    found: Survey
    variable: str | None


def configuration(wanted: Wanted, target: Path, environ: Mapping[str, str] = os.environ) -> Written:
    """Asks the source, in the way in which a service of that file would, and writes nothing.

    A password in the URL is used and not kept; without one that of the environment variable is used, if it is set.
    """
    variable = f"{re.sub(r'[^A-Z0-9]+', '_', wanted.name.upper()).strip('_') or DEFAULT_NAME}_PASSWORD"
    found = _based(_with_password(address(wanted.url, wiring.KINDS), environ.get(variable)), target)
    system = source_starter.source_system(wanted.name, found, variable=variable, time_zone=wanted.time_zone)
    password = {} if found.password is None else {variable: found.password}
    options = _options(source_starter.head(system), target, {**environ, **password})
    with closing(wiring.open_source(wanted.name, options)) as source:
        told = survey(
            source,
            schema=wanted.schema,
            patterns=wanted.patterns,
            views=wanted.views,
            reserved=wiring.reserved_names(wiring.open_cache(options)),
        )
    if not told.proposals and not told.unread:
        raise ConfigurationError(
            "the source has no tables that fit, or the account may see none",
            hint="Leave out --schema and --tables to see what there is, or ask for SELECT on the tables.",
        )
    return Written(
        text=source_starter.configuration(wanted.name, system, told),
        found=told,
        variable=variable if password else None,
    )


def _with_password(found: Address, given: str | None) -> Address:
    return replace(found, password=given) if found.password is None and given and found.takes_password else found


def _based(found: Address, target: Path) -> Address:
    """A path of ours is relative to where we are; in the file it is relative to the file."""
    settings = dict(found.settings)
    if isinstance(path := settings.get("path"), str):
        settings["path"] = _from(target, path)
    if isinstance(tables := settings.get("tables"), Mapping):
        settings["tables"] = {name: {"path": _from(target, table["path"])} for name, table in tables.items()}
    return replace(found, settings=settings)


def _from(target: Path, path: str) -> str:
    if Path(path).is_absolute():
        return path
    return os.path.relpath(Path(path).absolute(), target.absolute().parent)


def _options(text: str, target: Path, environ: Mapping[str, str]) -> DataSyncOptions:
    """The options of a file with that text, as if it lay where the target will."""
    with tempfile.TemporaryDirectory(prefix="afresh-") as directory:
        draft = Path(directory) / "afresh.toml"
        draft.write_text(text, encoding="utf-8")
        return replace(load(draft, wiring.KINDS, environ), base_directory=target.absolute().parent)
