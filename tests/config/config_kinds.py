"""Kinds for the tests of the configuration: the real ones, and a source with a login, which takes a password."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field, SecretStr

from afresh import wiring
from afresh.config.kinds import Kinds
from afresh.core.kinds import SourceKind
from afresh.fetchers.rows import PYTHON
from afresh.jde.catalogue import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """A source that is a server, with a login."""

    dsn: Annotated[str, Field(min_length=1, description="Where the server is.")]
    user: Annotated[str | None, Field(description="Who logs in.")] = None
    password: Annotated[SecretStr | None, Field(description="With what.")] = None
    port: Annotated[int, Field(ge=1, le=65535, description="Its port.")] = 1521
    encrypt: Annotated[bool, Field(description="Whether the connection is encrypted.")] = True


def _build(_: Any) -> Any:
    raise AssertionError("nothing is built while a configuration is read")


SOURCES: Mapping[str, SourceKind] = {
    "sqlite": wiring.SOURCES["sqlite"],
    "oracle": SourceKind(options=ServerOptions, build=_build),
}

KINDS: Kinds = replace(wiring.KINDS, sources=SOURCES, own=PYTHON, arguments={"jde": tables})
