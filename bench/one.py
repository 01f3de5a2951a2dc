"""One measured sync in a process of its own: prints its seconds, rows and peak memory as JSON."""

import argparse
import json
import resource
import time
from datetime import datetime, timedelta
from pathlib import Path

from afresh.core.model import DataUpdateTask, UpdateType
from afresh.core.options import CacheConfig, DataSourceConfig, DataSyncOptions, ScheduleConfig, SourceSystemConfig
from afresh.engine.cancellation import CancelToken
from afresh.engine.sync import sync
from afresh.wiring import assemble
from bench import bare, data


def main() -> None:
    """Does what the command line says, once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=["bare", "afresh"])
    parser.add_argument("table", choices=[data.F4111, data.LEDGER])
    parser.add_argument("source", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--window", help="stored date and time, as 126001,83000")
    given = parser.parse_args()
    start = tuple(int(part) for part in given.window.split(",")) if given.window else None
    began = time.perf_counter()
    rows = (_bare if given.who == "bare" else _afresh)(given.table, given.source, given.cache, start)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak}))


def _bare(table: str, source: Path, cache: Path, start: tuple[int, ...] | None) -> int:
    ledger = table == data.LEDGER
    columns = (*data.known_columns(), data.LEDGER_STAMP) if ledger else data.known_columns()
    where = "true"
    if start is not None and ledger:
        where = f"{data.LEDGER_STAMP} >= '{data.reading(*start)}'"
    elif start is not None:
        where = f"(ILCRDJ > {start[0]} OR (ILCRDJ = {start[0]} AND ILTDAY >= {start[1]}))"
    order = (data.LEDGER_STAMP,) if ledger else ("ILCRDJ", "ILTDAY")
    return bare.copy(
        bare.Job(source=source, cache=cache, table=table, columns=columns, key=("ILUKID",), order=order, where=where)
    )


def _afresh(table: str, source: Path, cache: Path, start: tuple[int, ...] | None) -> int:
    settings: dict[str, object] = {"quantity_decimals": 4}
    fetcher = "jde:F4111"
    if table == data.LEDGER:
        fetcher, settings = "table", {"cursor": [data.LEDGER_STAMP]}
    config = DataSourceConfig(
        table_name=table,
        source_system="JDE",
        fetcher=fetcher,
        fetcher_options=settings,
        mass=ScheduleConfig(interval=timedelta(days=7), prepurge_data=True),
    )
    options = DataSyncOptions(
        cache=CacheConfig(url=f"sqlite:///{cache}"),
        source_systems={"JDE": SourceSystemConfig(kind="sqlite", options={"path": source})},
        data_sources=(config,),
    )
    service = assemble(options, emit=lambda event: None)
    task = DataUpdateTask(
        table_name=table,
        update_type=UpdateType.MASS if start is None else UpdateType.HOURLY,
        source_system="JDE",
        minimum_dt=None if start is None else datetime.fromisoformat(data.reading(start[0], start[1]) + "+00:00"),
        operation_id=f"{time.time_ns():032x}",
    )
    return sync(task, service.tables[table], service.workplace, CancelToken()).rows


if __name__ == "__main__":
    main()
