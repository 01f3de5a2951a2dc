"""The settings of a SQL Server source. Their descriptions are their reference documentation."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from afresh.drivers.mssql_url import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlServerOptions:
    """Settings of a SQL Server source."""

    host: Annotated[
        str, Field(min_length=1, description="The server: a name, an address, or `HOST\\INSTANCE` of a named instance.")
    ]
    port: Annotated[int | None, Field(ge=1, le=65535, description="The port; by default 1433, or the instance's.")] = (
        None
    )
    database: Annotated[str, Field(min_length=1, description="The database.")]
    user: Annotated[
        str, Field(description="The login, which needs SELECT only; empty for `trusted_connection` and the like.")
    ] = ""
    password: Annotated[SecretStr | None, Field(description="Its password.")] = None
    schema_name: Annotated[str, Field(min_length=1, description="Schema of the tables that name none.")] = "dbo"
    encrypt: Annotated[
        Literal["yes", "no", "strict"], Field(description="Whether the connection is encrypted, and how strictly.")
    ] = "yes"
    trust_server_certificate: Annotated[
        bool, Field(description="Take whatever certificate the server shows: for one that it signed itself.")
    ] = False
    trusted_connection: Annotated[bool, Field(description="Log in as the account that the service runs as.")] = False
    authentication: Annotated[
        str | None, Field(description="A way to log in to Azure SQL, such as `ActiveDirectoryMsi`.")
    ] = None
    read_only_intent: Annotated[
        bool, Field(description="Ask an availability group for a secondary that may be read.")
    ] = False
    isolation: Annotated[
        Literal["auto", "snapshot", "read_committed"],
        Field(
            description="What a read sees. `snapshot` is one state of the database, which must allow it "
            "(ALLOW_SNAPSHOT_ISOLATION); `read_committed` may meet a row twice or not at all while others write; "
            "`auto` takes the first where it is allowed."
        ),
    ] = "auto"
    connect_timeout: Annotated[
        timedelta, Field(ge=timedelta(seconds=1), description="How long a connection may take to come about.")
    ] = timedelta(seconds=15)
    lock_timeout: Annotated[
        timedelta, Field(ge=timedelta(0), description="How long a read waits for a lock of a writer's.")
    ] = timedelta(seconds=30)
    query_timeout: Annotated[
        timedelta,
        Field(
            ge=timedelta(0),
            description="How long the server may be silent, before a result's first row and within it; 0: forever.",
        ),
    ] = timedelta(minutes=10)

    def settings(self) -> Settings:
        """As the driver is told."""
        told = [
            ("Encrypt", self.encrypt),
            ("TrustServerCertificate", "yes" if self.trust_server_certificate else ""),
            ("Trusted_Connection", "yes" if self.trusted_connection else ""),
            ("Authentication", self.authentication or ""),
            ("ApplicationIntent", "ReadOnly" if self.read_only_intent else ""),
        ]
        return Settings(
            host=self.host,
            port=self.port,
            database=self.database,
            user=self.user,
            password=self.password.get_secret_value() if self.password is not None else "",
            connect_timeout=int(self.connect_timeout.total_seconds()),
            driver_options=tuple((name, value) for name, value in told if value),
        )
