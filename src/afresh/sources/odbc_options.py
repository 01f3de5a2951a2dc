"""Settings of ODBC sources, and the connection string that they make."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from afresh.core.errors import ConfigurationError
from afresh.sources.odbc_mysql import MYSQL
from afresh.sources.odbc_plain import DB2, GENERIC, SQLITE, SQLSERVER
from afresh.sources.odbc_postgres import POSTGRES
from afresh.sources.odbc_profile import Profile
from afresh.sources.odbc_sybase import Isolation, sybase

ProfileName = Literal["generic", "postgres", "sqlite", "db2", "sybase", "mysql", "sqlserver"]

_MEBIBYTE = 1024 * 1024
_PLAIN = {profile.name: profile for profile in (GENERIC, POSTGRES, SQLITE, DB2, MYSQL, SQLSERVER)}
_SPECIAL = set(";{}[]()?*=!@ ")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """What every source over ODBC can be told."""

    host: Annotated[str | None, Field(min_length=1, description="Name or address of the server.")] = None
    port: Annotated[int | None, Field(ge=1, le=65535, description="Port of the server.")] = None
    database: Annotated[str | None, Field(min_length=1, description="Database, or file, that is read.")] = None
    user: Annotated[str | None, Field(min_length=1, description="Account that logs in; it should only read.")] = None
    password: Annotated[SecretStr | None, Field(description="Its password.")] = None
    driver: Annotated[
        str | None,
        Field(min_length=1, description="The driver, as `odbcinst -q -d` names it, or the path of its library."),
    ] = None
    dsn: Annotated[
        str | None, Field(min_length=1, description="A data source name of odbc.ini, instead of or beside the others.")
    ] = None
    keywords: Annotated[
        Mapping[str, str], Field(description="More of the connection string; these win over our own.")
    ] = field(default_factory=dict)
    login_timeout: Annotated[timedelta, Field(gt=timedelta(0), description="Longest wait for a login.")] = timedelta(
        seconds=15
    )
    silence_timeout: Annotated[
        timedelta,
        Field(gt=timedelta(0), description="Longest wait for the next rows; then the connection is given up."),
    ] = timedelta(minutes=5)
    statement_timeout: Annotated[
        timedelta | None,
        Field(gt=timedelta(0), description="After this time the server ends a statement, if it can."),
    ] = None
    max_text_size: Annotated[
        int, Field(ge=1, description="Largest text or binary value, in bytes; a larger one is an error, never cut.")
    ] = 32 * _MEBIBYTE
    batch_memory: Annotated[
        int,
        Field(
            ge=_MEBIBYTE,
            description="Bytes that a fetch may take up, unless one row needs more; a large one is slower, for it "
            "leaves the processor's cache. Two are under way where the driver holds whole results.",
        ),
    ] = 4 * _MEBIBYTE
    trailing_blanks: Annotated[
        Literal["strip", "keep"] | None,
        Field(description="What becomes of blanks at the end of texts; by default they are kept, and for Sybase not."),
    ] = None
    decode_as: Annotated[
        str | None,
        Field(
            min_length=1,
            description="Code page of the texts' bytes, such as `cp1252`, where the database's own is wrong; "
            "bytes that it does not have are replaced by U+FFFD, and their rows counted and reported as `clamp`.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OdbcOptions(SessionOptions):
    """Settings of a source over ODBC. Needs the extra `odbc`, unixODBC and a driver."""

    profile: Annotated[
        ProfileName,
        Field(
            description="What database it is: its SQL, its catalogue, and what its driver gets wrong. `db2`, "
            "`sybase` and `sqlserver` are written from documentation and were tried on no server."
        ),
    ] = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlOptions(SessionOptions):
    """Settings of a MySQL or MariaDB source. Needs the extra `odbc`, unixODBC and MariaDB's ODBC driver."""

    host: Annotated[str, Field(min_length=1, description="Name or address of the server.")] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535, description="Port of the server.")] = 3306


@dataclass(frozen=True, slots=True, kw_only=True)
class Db2Options(SessionOptions):
    """Settings of a DB2 source. Needs the extra `odbc`, unixODBC and IBM's driver. Written from documentation, tried on
    no server."""

    port: Annotated[int, Field(ge=1, le=65535, description="Port of the server.")] = 50000


@dataclass(frozen=True, slots=True, kw_only=True)
class SybaseOptions(SessionOptions):
    """Settings of a Sybase ASE source. Needs the extra `odbc`, unixODBC and FreeTDS (Debian: tdsodbc). Verified down to
    the login packet; its SQL was tried on no server."""

    port: Annotated[int, Field(ge=1, le=65535, description="Port of the server.")] = 5000
    charset: Annotated[str, Field(min_length=1, description="Character set that the driver asks the server for.")] = (
        "UTF-8"
    )
    isolation: Annotated[
        Isolation,
        Field(
            description="Level of isolation. 0 reads what is not committed and waits for nobody, and may see a row "
            "twice or not at all; 1 waits behind writers of allpages tables, and they behind it."
        ),
    ] = 1


def profile_of(options: SessionOptions) -> Profile:
    """The profile that the options mean."""
    if isinstance(options, MysqlOptions):
        return MYSQL
    if isinstance(options, Db2Options):
        return DB2
    name = options.profile if isinstance(options, OdbcOptions) else "sybase"
    if name != "sybase":
        if options.decode_as:
            raise ConfigurationError("`decode_as` is for the profile `sybase`; others convert their texts themselves")
        return _PLAIN[name]
    return sybase(
        isolation=options.isolation if isinstance(options, SybaseOptions) else 1,
        text_bytes=options.max_text_size,
        charset=options.charset if isinstance(options, SybaseOptions) else "UTF-8",
        decoded=options.decode_as is not None,
    )


def connection_string(options: SessionOptions, profile: Profile) -> str:
    """What the driver manager is given. Keywords of the options win over those of the profile, whatever their case."""
    if not (options.dsn or options.driver or profile.driver):
        raise ConfigurationError("an ODBC source needs `driver` or `dsn`", hint="`odbcinst -q -d` lists the drivers.")
    told = {name.casefold() for name in options.keywords}
    pairs = [(name, value) for name, value in _pairs(options, profile) if name.casefold() not in told]
    return "".join(f"{name}={_quoted(value)};" for name, value in [*pairs, *options.keywords.items()])


def _pairs(options: SessionOptions, profile: Profile) -> Iterator[tuple[str, str]]:
    if options.dsn:
        yield "DSN", options.dsn
    if options.driver or not options.dsn:
        yield "Driver", options.driver or profile.driver
    if options.host:
        yield profile.server, options.host
    if options.port and (options.host or not options.dsn):
        yield "Port", str(options.port)
    if options.database:
        yield "Database", options.database
    if options.user:
        yield "UID", options.user
    if options.password is not None:
        yield "PWD", options.password.get_secret_value()
    yield from profile.keywords.items()


def _quoted(value: str) -> str:
    if "\0" in value:
        raise ConfigurationError("a setting of an ODBC connection cannot have the character NUL in it")
    return "{" + value.replace("}", "}}") + "}" if set(value) & _SPECIAL else value
