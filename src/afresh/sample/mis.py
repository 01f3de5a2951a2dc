"""Rows of `MisData`, an invented table of measured results as a manufacturing system (CMS) may keep them."""

import numpy as np

from afresh.sample import words
from afresh.sample.columns import Columns
from afresh.sample.draws import Ints
from afresh.sample.wall import DAY, text
from afresh.sample.world import FIRST_WORK_ORDER, World

MICRO = 1_000_000
_VERDICTS = np.array(["PASS", "PASS", "PASS", "PASS", "FAIL", "Prüfung offen"], dtype=object)


def decimal_text(millionths: int) -> str:
    """A number of millionths with six places."""
    sign = "-" if millionths < 0 else ""
    return f"{sign}{abs(millionths) // MICRO}.{abs(millionths) % MICRO:06d}"


def results(world: World, index: Ints) -> Columns:
    """MisData: text is not padded, readings are text, and rows that were never changed have no LastUpdate."""
    order = world.results.parent(index)
    item = world.order_item(order)
    lots = world.lot_texts(world.lot_for("order lot", order, item))
    kind = world.draws.below("characteristic", index, len(words.CHARACTERISTICS))
    measured = world.during("measured", index, order)
    updated = world.wall.at_work(measured + world.draws.below("corrected", index, 5 * DAY))
    never = world.draws.chance("never corrected", index, 60).tolist()
    values = world.draws.below("result", index, 2_000 * MICRO) - 50 * MICRO
    return {
        "MisId": index + 1,
        "WorkOrder": FIRST_WORK_ORDER + order,
        "LotNumber": [lot.rstrip() for lot in lots],
        "Characteristic": np.array(words.CHARACTERISTICS, dtype=object)[kind],
        "ResultValue": [decimal_text(value) for value in values.tolist()],
        "ResultText": _VERDICTS[world.draws.below("verdict", index, len(_VERDICTS))],
        "Unit": np.array(words.RESULT_UNITS, dtype=object)[kind],
        "Inspector": np.array(words.INSPECTORS, dtype=object)[index % len(words.INSPECTORS)],
        "MeasuredAt": text(measured),
        "LastUpdate": [
            None if none else reading for none, reading in zip(never, text(np.maximum(updated, measured)), strict=True)
        ],
    }
