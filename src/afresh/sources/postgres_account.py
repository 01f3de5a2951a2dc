"""What a PostgreSQL server says of our account and of its own time."""

from datetime import UTC, datetime

from afresh.core.model import SourceInstant
from afresh.core.ports import Account
from afresh.sources.postgres_session import Connection

_SHOWN = 5
_WHO = """
SELECT current_user::text, current_setting('server_version'), pg_is_in_recovery(),
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), r.rolsuper, r.rolcreatedb, r.rolcreaterole,
    current_setting('default_transaction_read_only', true)
FROM pg_roles AS r WHERE r.rolname = current_user
"""
_ROLES = """
SELECT role FROM unnest(ARRAY['pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program',
    'pg_maintain', 'pg_signal_backend']) AS role
JOIN pg_roles ON rolname = role WHERE pg_has_role(current_user, role, 'USAGE')
"""
_SCHEMAS = """
SELECT n.nspname::text FROM pg_namespace AS n
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'CREATE')
ORDER BY 1
"""
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND has_schema_privilege(n.oid, 'USAGE') AND (has_any_column_privilege(c.oid, 'INSERT, UPDATE')
        OR has_table_privilege(c.oid, 'DELETE, TRUNCATE'))
ORDER BY 1
"""
_HIDDEN = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relrowsecurity AND has_any_column_privilege(c.oid, 'SELECT') AND row_security_active(c.oid) ORDER BY 1
"""
_CLOCK = """
SELECT statement_timestamp(), pg_is_in_recovery(),
    CASE WHEN pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
        THEN pg_last_xact_replay_timestamp() END,
    (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database()),
    min(a.xact_start), count(*) FILTER (WHERE a.xact_start IS NULL)
FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
    AND coalesce(a.backend_type, '') <> 'autovacuum worker'
"""
"""Transactions that have written: only those have a number. Whoever may not see others' sees that they are there, but
not since when. Our own time is taken first: what begins later than that stamps its rows later."""


def account(connection: Connection) -> Account:
    """Who we are, by which rights we could write, and what to ask the administrator for."""
    found = connection.execute(_WHO.encode()).fetchone()
    assert found is not None
    user, version, standby, stats, superuser, creates, creates_roles, read_only = found
    rights = ["SUPERUSER"] if superuser else []
    rights += ["CREATEDB"] * creates + ["CREATEROLE"] * creates_roles
    advice = []
    if superuser:
        advice.append(f"{user} is a superuser, who may do everything: make an account that may only read.")
    else:
        rights += [f"member of {role}" for (role,) in connection.execute(_ROLES.encode())]
        schemas = [name for (name,) in connection.execute(_SCHEMAS.encode())]
        tables = [name for (name,) in connection.execute(_TABLES.encode())]
        rights += _listed("CREATE on schema", schemas) + _listed("writing to", tables)
        if rights:
            advice.append(f"Revoke from {user} what lets it write: {'; '.join(rights)}.")
        if not stats:
            advice.append(
                f"GRANT pg_read_all_stats TO {user}: it lets us see since when transactions are open, so that no "
                "window begins after one of them. It shows the texts of running statements too."
            )
    hidden = [name for (name,) in connection.execute(_HIDDEN.encode())]
    if hidden:
        advice.append(
            f"Row security hides rows from {user} in {_some(hidden)}: a read of these fails. Grant BYPASSRLS, or a "
            "policy that shows all rows."
        )
    if read_only != "on":
        advice.append(f"ALTER ROLE {user} SET default_transaction_read_only = on: we set it ourselves in each session.")
    if standby:
        advice.append("It is a standby: how late it is, and which transactions are open, only the primary can tell.")
    return Account(
        user=user,
        version=f"PostgreSQL {version}{', standby' if standby else ''}",
        may_write=tuple(rights),
        advice=tuple(advice),
    )


def clock(connection: Connection) -> SourceInstant:
    """The server's clock, and the begin of the oldest transaction that has written and not ended.

    A prepared transaction counts from when it was prepared, which is the latest that it can have begun. On a standby
    the clock shows what has been replayed, and what is open on the primary cannot be known.
    """
    found = connection.execute(_CLOCK.encode()).fetchone()
    assert found is not None
    now, standby, replayed, prepared, oldest, unseen = found
    open_since = [instant for instant in (prepared, oldest) if instant is not None]
    known = not standby and not unseen
    oldest_open = min([now, *open_since]) if known else None
    return SourceInstant(
        now=_utc(min(now, replayed) if replayed is not None else now),
        oldest_open=_utc(oldest_open) if oldest_open is not None else None,
    )


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def _listed(right: str, names: list[str]) -> list[str]:
    return [f"{right} {_some(names)}"] if names else []


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
