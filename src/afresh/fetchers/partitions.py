"""Which reads of a table are cut into parts: those of everything, as its data source says. Windows are small."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from afresh.core.options import DataSourceConfig
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
