"""The settings of an Oracle source. Their descriptions are their reference documentation."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleOptions:
    """Settings of an Oracle source."""

    dsn: Annotated[
        str,
        Field(
            min_length=1,
            description="Where the database is: `host:1521/SERVICE`, `tcps://host:2484/SERVICE`, a name of "
            "tnsnames.ora (see `config_dir`), or a whole description.",
        ),
    ]
    user: Annotated[str, Field(min_length=1, description="The account, which needs CREATE SESSION and SELECT only.")]
    password: Annotated[SecretStr | None, Field(description="Its password.")] = None
    schema_name: Annotated[
        str | None,
        Field(min_length=1, description="Owner of the tables that name none, such as PRODDTA; by default the account."),
    ] = None
    bare_number: Annotated[
        str,
        Field(
            description="Type of a NUMBER without precision that nobody gave one. It is never a float. The JDE "
            "fetchers know better and do not ask."
        ),
    ] = "decimal(38,10)"
    connect_timeout: Annotated[
        timedelta, Field(gt=timedelta(0), description="How long a connection may take to come about.")
    ] = timedelta(seconds=20)
    call_timeout: Annotated[
        timedelta,
        Field(
            ge=timedelta(0), description="How long the database may take to answer one request for rows; 0: forever."
        ),
    ] = timedelta(minutes=10)
    flashback: Annotated[
        bool,
        Field(
            description="Whether the parts of a read see one state, by AS OF SCN. The account needs FLASHBACK on the "
            "tables and EXECUTE on DBMS_FLASHBACK."
        ),
    ] = False
    thick: Annotated[
        bool,
        Field(description="Use Oracle's client libraries: for native network encryption and databases before 12.1."),
    ] = False
    lib_dir: Annotated[Path | None, Field(description="Where the client libraries are; for thick mode.")] = None
    config_dir: Annotated[Path | None, Field(description="Where tnsnames.ora is.")] = None
    wallet_location: Annotated[Path | None, Field(description="Where the wallet for TLS is (ewallet.pem).")] = None
    wallet_password: Annotated[SecretStr | None, Field(description="The wallet's password.")] = None
    ssl_server_dn_match: Annotated[
        bool, Field(description="Whether the server's certificate must carry the host's name.")
    ] = True
