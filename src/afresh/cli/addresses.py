"""A source system written as a URL: `postgres://reader@host:5432/erp?sslmode=require`, `sqlite:///erp.db`."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from afresh.config.kinds import Kinds
from afresh.core.errors import ConfigurationError

_ALIASES = {
    "postgresql": "postgres",
    "mssql": "sqlserver",
    "mariadb": "mysql",
    "sqlite3": "sqlite",
    "ase": "sybase",
}
_USER = ("user", "username")
_HOST = ("host", "server")
_DATABASE = ("database", "service")
_ORACLE_PORT = 1521


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a URL says: the kind, the settings of the source system as they are written, and the password apart."""

    kind: str
    settings: Mapping[str, object]
    password: str | None = None

    @property
    def takes_password(self) -> bool:
        """Whether somebody logs in."""
        return "user" in self.settings or self.password is not None


def address(url: str, kinds: Kinds) -> Address:
    """The source that the URL means; ConfigurationError, which does not repeat the password, if it means none."""
    parts = _parts(url)
    if not parts.scheme:
        raise ConfigurationError("the source is not written as a URL", hint=f"As in {_EXAMPLES}.")
    kind = parts.scheme if parts.scheme in kinds.sources else _ALIASES.get(parts.scheme, parts.scheme)
    if kind not in kinds.sources:
        raise ConfigurationError(
            f"there is no kind of source system {parts.scheme!r}", hint=f"The kinds are: {', '.join(kinds.sources)}."
        )
    fields = {field.name: field for field in dataclasses.fields(kinds.sources[kind].options)}
    settings = _settings(parts, fields)
    password = settings.pop("password", None)
    missing = [name for name, field in fields.items() if _required(field) and name not in settings]
    if missing:
        raise ConfigurationError(
            f"the URL of the {kind} source says nothing of: {', '.join(missing)}",
            hint=f"Add it, as in {_EXAMPLES}; settings without a place of their own stand behind the question mark.",
        )
    return Address(kind=kind, settings=settings, password=None if password is None else str(password))


def _parts(url: str) -> SplitResult:
    """The parts of the URL; what is wrong with it is not repeated, for it may be of the password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # it is looked at when it is asked for
    except ValueError:
        raise ConfigurationError(
            "the URL of the source has no readable host and port",
            hint="The port is a number up to 65535; in a user or password `/`, `?`, `#`, `@`, `:` and `[` are written "
            "%2F, %3F, %23, %40, %3A and %5B.",
        ) from None
    return parts


_SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson")
_EXAMPLES = "sqlite:///erp.db, postgres://reader@host:5432/erp or oracle://READER@host:1521/ERPPRD"


def _settings(parts: SplitResult, fields: Mapping[str, "dataclasses.Field[object]"]) -> dict[str, object]:
    found: dict[str, object] = {}
    path = unquote(parts.path)

    def put(names: tuple[str, ...], value: str | int | None) -> None:
        name = next((name for name in names if name in fields), None)
        if name is not None and value not in (None, ""):
            found[name] = value

    put(_USER, unquote(parts.username or ""))
    put(("password",), unquote(parts.password or ""))
    if "host" in fields or "server" in fields:
        put(_HOST, parts.hostname)
        put(("port",), parts.port)
        put(_DATABASE, path.removeprefix("/"))
    elif "dsn" in fields and parts.hostname:
        found["dsn"] = f"{parts.hostname}:{parts.port or _ORACLE_PORT}/{path.removeprefix('/')}"
    put(("path",), path.removeprefix("/") or parts.netloc)
    if "tables" in fields and "path" not in fields:
        found["tables"] = _files(path.removeprefix("/") or ".")
    for name, value in parse_qsl(parts.query):
        if name not in fields:
            raise ConfigurationError(
                f"a source of this kind has no setting {name!r}", hint=f"Known here: {', '.join(fields)}."
            )
        found[name] = _value(value, fields[name].type)
    return found


def _value(text: str, annotation: object) -> str | int | bool:
    """A setting behind the question mark, as a file would write it."""
    kinds = {annotation, *get_args(annotation)}
    kinds |= {part for kind in kinds for part in get_args(kind)}
    if bool in kinds and text in ("true", "false"):
        return text == "true"
    return int(text) if int in kinds and text.isdecimal() else text


def _files(name: str) -> dict[str, object]:
    """The files of a directory that tell their format by their suffix, each as a table named as the file, with its
    suffix where another has that name too."""
    directory = Path(name)
    if not directory.is_dir():
        raise ConfigurationError(
            f"{directory} is no directory of files",
            hint="As in files:///extracts for one that is here, and files:////data/extracts for /data/extracts.",
        )
    files = sorted(file for file in directory.iterdir() if file.suffix.lower() in _SUFFIXES)
    stems = Counter(file.stem.casefold() for file in files)
    return {file.stem if stems[file.stem.casefold()] == 1 else file.name: {"path": str(file)} for file in files}


def _required(field: "dataclasses.Field[object]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
