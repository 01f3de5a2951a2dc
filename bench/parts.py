"""The parts of the benchmark, by name. A new one is a file of its own and a line here."""

import importlib
from collections.abc import Callable, Mapping

from bench.part import Part


def _of(module: str, name: str) -> Callable[[], Part]:
    """Imports a part's file when it is asked for: a process needs the drivers of its own part only."""

    def make() -> Part:
        made: Part = getattr(importlib.import_module(f"bench.{module}"), name)()
        return made

    return make


PARTS: Mapping[str, Callable[[], Part]] = {
    "sqlite": _of("sqlite_cache", "SqliteCachePart"),
    "postgresql": _of("postgres_cache", "PostgresCachePart"),
    "duckdb": _of("duckdb_cache", "DuckdbCachePart"),
    "sqlserver": _of("sqlserver_cache", "SqlserverCachePart"),
    "postgres-source": _of("postgres_source", "PostgresSourcePart"),
    "sqlite-source": _of("sqlite_source", "SqliteSourcePart"),
    "duckdb-source": _of("duckdb_sources", "DuckdbSourcePart"),
    "parquet-source": _of("duckdb_sources", "ParquetSourcePart"),
    "csv-source": _of("duckdb_sources", "CsvSourcePart"),
    "psqlodbc-source": _of("odbc_sources", "PsqlOdbcSourcePart"),
    "mysql-source": _of("odbc_sources", "MysqlSourcePart"),
    "ledger": _of("ledger", "LedgerPart"),
}
