"""PostgreSQL 15 to 18 as a source: what is known of it before its drivers are needed."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from afresh.core.errors import ConfigurationError
from afresh.core.kinds import SourceContext, SourceKind
from afresh.core.ports import SourceSystem
from afresh.sources.postgres_options import PostgresOptions


def _build(context: SourceContext) -> SourceSystem:
    """The source; ConfigurationError if a driver is missing."""
    try:
        from afresh.sources.postgres_source import open_postgres
    except ImportError as error:
        raise ConfigurationError(
            f"source {context.name}: PostgreSQL needs drivers that are not installed: {error}",
            hint="Run `pip install 'afresh[postgres]'`.",
        ) from error
    try:
        zone = ZoneInfo(context.config.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(
            f"source {context.name}: {context.config.time_zone!r} is not a time zone",
            hint="Use an IANA name, such as America/Chicago.",
        ) from None
    return open_postgres(
        name=context.name,
        options=context.options,
        base_directory=context.base_directory,
        time_zone=zone,
        show_values=context.config.show_values,
    )


POSTGRES = SourceKind(options=PostgresOptions, build=_build)
