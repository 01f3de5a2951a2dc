"""The URL of a SQL Server cache, read once into settings; the password leaves them only for the driver."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from afresh.core.errors import ConfigurationError

SCHEMES = ("mssql", "sqlserver")
_FORM = "mssql://user:password@host:1433/database?encrypt=yes&trust_server_certificate=no&schema=dbo"
_PASSED_ON = {
    "encrypt": "Encrypt",
    "trust_server_certificate": "TrustServerCertificate",
    "host_name_in_certificate": "HostnameInCertificate",
    "server_certificate": "ServerCertificate",
    "packet_size": "PacketSize",
    "authentication": "Authentication",
    "trusted_connection": "Trusted_Connection",
    "multi_subnet_failover": "MultiSubnetFailover",
}
_SYNONYMS = {name.replace("_", ""): name for name in _PASSED_ON} | {
    "hostnameincertificate": "host_name_in_certificate",
    "integratedsecurity": "trusted_connection",
    "logintimeout": "connect_timeout",
    "connecttimeout": "connect_timeout",
    "connectiontimeout": "connect_timeout",
    "batchsize": "batch_size",
    "stagingschema": "staging_schema",
}
_LOGIN = {
    **dict.fromkeys(("database", "databasename", "initialcatalog"), "database"),
    **dict.fromkeys(("user", "username", "uid", "userid"), "user"),
    **dict.fromkeys(("password", "pwd"), "password"),
}
_OURS = ("schema", "staging_schema", "batch_size", "connect_timeout")
_OWN_SCHEMA = "afresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the cache is, and how it is talked to. Its text and representation never show the password."""

    host: str
    port: int | None
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    schema: str = "dbo"
    staging_schema: str = _OWN_SCHEMA
    batch_size: int = 0
    connect_timeout: int = 15
    driver_options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        login = f"{self.user}:***@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"mssql://{login}{self.host}{port}/{self.database}"

    def connection_string(self) -> str:
        """What the driver is given, the password included."""
        server = self.host if self.port is None else f"{self.host},{self.port}"
        pairs = [("Server", server), ("Database", self.database)]
        if self.user:
            pairs.append(("UID", self.user))
        if self.password:
            pairs.append(("PWD", self.password))
        return ";".join(f"{key}={_braced(value)}" for key, value in (*pairs, *self.driver_options))


def parse(url: str) -> Settings:
    """The settings of `mssql://user:password@host:1433/database?...`; ConfigurationError that shows no secret."""
    if ";" in url.partition("://")[2].partition("@")[0].partition("?")[0]:
        url = _as_url(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("its host or port cannot be read") from None
    database = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in SCHEMES or not parts.hostname or not database or "/" in database:
        raise _refused("it needs a host and a database")
    if parts.fragment:
        raise _refused("a `#` in the password must be written %23")
    options = _options(parts.query)
    schema = options.get("schema", "dbo")
    return Settings(
        # `hostname` is lower case and loses nothing else; an instance is written host%5CINSTANCE.
        host=unquote(parts.hostname),
        port=port,
        database=database,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        schema=schema,
        staging_schema=options.get(
            "staging_schema", _OWN_SCHEMA if schema.lower() == "dbo" else f"{_OWN_SCHEMA}_{schema}"
        ),
        batch_size=_number(options, "batch_size", 0),
        connect_timeout=_number(options, "connect_timeout", 15),
        driver_options=tuple((name, options[option]) for option, name in _PASSED_ON.items() if options.get(option)),
    )


def _options(query: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for written, value in parse_qsl(query, keep_blank_values=True):
        name = _SYNONYMS.get(written.lower().replace("_", "").replace(" ", ""), written.lower())
        if name not in _PASSED_ON and name not in _OURS:
            raise ConfigurationError(
                f"the cache URL has an option {written!r}, which SQL Server's has not",
                hint=f"The options are: {', '.join(sorted((*_PASSED_ON, *_OURS)))}.",
            )
        found[name] = value
    return found


def _as_url(text: str) -> str:
    """`sqlserver://host:port;database=...;user=...;password=...;encrypt=...`, as others write it, as our URL."""
    scheme, _, rest = text.partition("://")
    server, _, settings = rest.partition(";")
    pairs = [(name.strip(), value) for name, mark, value in map(_split, _settings(settings)) if mark]
    known = {_LOGIN.get(name.lower().replace(" ", ""), ""): value for name, value in pairs}
    others = urlencode([(name, value) for name, value in pairs if name.lower().replace(" ", "") not in _LOGIN])
    login = quote(known.get("user", ""), safe="")
    if known.get("password"):
        login += f":{quote(known['password'], safe='')}"
    place = server.rstrip("/").replace(chr(92), "%5C").replace(",", ":")
    return f"{scheme}://{login}{'@' if login else ''}{place}/{quote(known.get('database', ''), safe='')}?{others}"


def _settings(text: str) -> list[str]:
    """The settings between semicolons; a value may stand in braces, in which `}}` is a brace."""
    return [found for found in re.findall(r"(?:[^;{]|{(?:[^}]|}})*})+", text) if found.strip()]


def _split(setting: str) -> tuple[str, str, str]:
    name, mark, value = setting.partition("=")
    if value.startswith("{") and value.endswith("}"):
        value = value[1:-1].replace("}}", "}")
    return name, mark, value


def _number(options: Mapping[str, str], name: str, default: int) -> int:
    text = options.get(name, str(default))
    if not text.isdecimal():
        raise ConfigurationError(f"the option {name!r} of the cache URL is {text!r}, where a number is expected")
    return int(text)


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the cache URL of a SQL Server cannot be used: {why}",
        hint=f"Write `{_FORM}`; letters such as @ / : # % in user and password are percent-encoded.",
    )


def _braced(value: str) -> str:
    return "{" + value.replace("}", "}}") + "}" if value else value
