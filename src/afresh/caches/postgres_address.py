"""Where a PostgreSQL cache is, and how that is said without its password."""

from dataclasses import dataclass
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from afresh.core.errors import ConfigurationError

_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 10,
    "fallback_application_name": "afresh",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""A server that is gone without a word is noticed within a minute or so, where the URL does not say otherwise."""

_SECRETS = ("password", "sslpassword", "oauth_client_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A database and a schema in it; without one, it is the first of the search path. `shown` holds no secret."""

    conninfo: str
    schema: str | None
    shown: str
    secrets: tuple[str, ...]

    def scrub(self, text: str) -> str:
        """The text without the secrets of this address."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def parse_address(url: str) -> Address:
    """The address that a URL gives; ConfigurationError, which does not repeat the URL, for one that is none."""
    bare, schemas = _without_schema(url)
    try:
        parts = conninfo_to_dict(bare)
        conninfo = make_conninfo(bare, **{name: value for name, value in _DEFAULTS.items() if name not in parts})
    except psycopg.Error:
        raise ConfigurationError(
            "the cache URL is not of the form postgresql://user@host:port/database?schema=name",
            hint="Percent-encode what is special in a URL: `@` in a password is `%40`, a blank `%20`.",
        ) from None
    if len(schemas) > 1 or "" in schemas:
        raise ConfigurationError("the cache URL names its schema more than once, or as nothing")
    place = f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"
    return Address(
        conninfo=conninfo,
        schema=schemas[0] if schemas else None,
        shown=f"postgresql://{place}",
        secrets=tuple(str(parts[name]) for name in _SECRETS if parts.get(name)),
    )


def _without_schema(url: str) -> tuple[str, list[str]]:
    """`schema` is a parameter of ours, which libpq would refuse."""
    base, _, query = url.partition("?")
    parts = [part for part in query.split("&") if part]
    others = [part for part in parts if not part.startswith("schema=")]
    schemas = [unquote(part.removeprefix("schema=")) for part in parts if part.startswith("schema=")]
    return base + ("?" + "&".join(others) if others else ""), schemas
