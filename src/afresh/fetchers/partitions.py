"""Which reads of a table are cut into parts: those of everything, as its data source says. Windows are small."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from afresh.core.options import DataSourceConfig
from afresh.core.ports import SourceSystem
from afresh.core.select import Select

Parted = Callable[[Select, datetime | None], Select]
"""The select as it is to be read from that instant on."""


def whole(select: Select, minimum_dt: datetime | None) -> Select:
    """In one piece."""
    return select


def parted(config: DataSourceConfig) -> Parted:
    """In as many parts as the data source asks for."""

    def cut(select: Select, minimum_dt: datetime | None) -> Select:
        if minimum_dt is not None or config.partitions == 1:
            return select
        return replace(select, partitions=config.partitions, partition_by=config.partition_by)

    return cut


def notes(source: SourceSystem, select: Select) -> Iterator[str]:
    """How a read that is asked for in parts will be cut; nothing of one that is not. Asks the source."""
    if select.partitions == 1:
        return
    with source.parts(replace(select, partitions=1), select.partitions) as parts:
        if len(parts) == 1:
            yield f"{select.table} is read in one piece, though partitions = {select.partitions}: see `partition_by`."
            return
        state = "of one state" if source.traits.shared_snapshots else "each of a state of its own"
        yield f"Read in {len(parts)} parts side by side, {state}:"
        for number, part in enumerate(parts, 1):
            yield f"part {number}: {source.statement(part).sql.partition(' WHERE ')[2]}"
