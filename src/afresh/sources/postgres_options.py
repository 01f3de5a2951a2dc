"""The settings of a PostgreSQL source. Their descriptions are their reference documentation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOptions:
    """Settings of a PostgreSQL source."""

    database: Annotated[str, Field(min_length=1, description="Name of the database.")]
    host: Annotated[
        str, Field(min_length=1, description="Host of the server, or the directory of its Unix socket.")
    ] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535, description="Port of the server.")] = 5432
    user: Annotated[
        str | None,
        Field(min_length=1, description="The account, which needs SELECT only; by default the name of our process's."),
    ] = None
    password: Annotated[SecretStr | None, Field(description="Its password.")] = None
    sslmode: Annotated[
        Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        Field(description="Whether TLS is used, and how much of the server's certificate is checked."),
    ] = "prefer"
    sslrootcert: Annotated[
        Path | None, Field(description="Certificates of the authorities that may sign the server's.")
    ] = None
    sslcert: Annotated[Path | None, Field(description="Our own certificate, where the server wants one.")] = None
    sslkey: Annotated[Path | None, Field(description="The key of our own certificate.")] = None
    libpq: Annotated[
        Mapping[str, str],
        Field(description='Further connection parameters of libpq: `{ channel_binding = "require" }`.'),
    ] = field(default_factory=dict)
    application_name: Annotated[
        str, Field(min_length=1, max_length=63, description="What the server's administrator sees us as.")
    ] = "afresh"
    bare_numeric: Annotated[
        str,
        Field(
            description="Type of a `numeric` that was declared without digits and that nobody gave one. A value with "
            "more digits does not fit and follows its column's policy."
        ),
    ] = "decimal(38,10)"
    row_security: Annotated[
        bool,
        Field(
            description="Read tables though a row security policy hides rows from the account. Else such a read fails: "
            "an extract that lacks rows unnoticed is worse than none."
        ),
    ] = False
    connect_timeout: Annotated[
        timedelta, Field(ge=timedelta(seconds=2), description="How long a connection may take to come about.")
    ] = timedelta(seconds=10)
    read_timeout: Annotated[
        timedelta,
        Field(
            ge=timedelta(0),
            description="How long the server may be silent while it is waited for; then the connection is given up. "
            "0: forever.",
        ),
    ] = timedelta(minutes=15)
    statement_timeout: Annotated[
        timedelta | None,
        Field(
            ge=timedelta(0),
            description="The server ends statements of ours that take longer, writing to the cache included; 0: never. "
            "By default as the server has it for the account.",
        ),
    ] = None
    lock_timeout: Annotated[
        timedelta,
        Field(ge=timedelta(0), description="How long a read waits for a table that somebody alters; 0: forever."),
    ] = timedelta(seconds=30)
