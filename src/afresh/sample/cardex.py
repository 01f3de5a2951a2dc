"""Rows of the item ledger: issues and completions of work orders, receipts and adjustments."""

import numpy as np

from afresh.sample import words
from afresh.sample.columns import LINE, QUANTITY, Columns, item_numbers
from afresh.sample.draws import Ints
from afresh.sample.wall import clock_time, julian
from afresh.sample.words import padded
from afresh.sample.world import FIRST_PURCHASE_ORDER, FIRST_WORK_ORDER, World

FIRST_MOVE_ID = 10_000_007
_ISSUE, _COMPLETION, _RECEIPT, _ADJUSTMENT = range(4)
_KINDS = padded(("IM", "IC", "OV", "IA"), 2)
_ORDER_KINDS = padded(("WO", "WO", "OP", ""), 2)
_PROGRAMS = padded(("P31113", "P31114", "P4312", "P4114"), 10)
_POSTING = padded(("", "Y", "Y", "S"), 1)
_AMOUNT = QUANTITY * 100
"""A quantity with 4 decimals times a cost with 4 gives an amount with 2."""


def moves(world: World, index: Ints) -> Columns:
    """F4111: in the order of the work orders. There is a creation stamp, and no update stamp."""
    order = world.moves.parent(index)
    kind = _kind(world, index, order)
    item = _item(world, index, order, kind)
    created = world.during("F4111 created", index, order)
    quantity = _quantity(world, index, order, kind)
    cost = world.unit_cost(item)
    document = _document(world, index, order, kind)
    return {
        "UKID": FIRST_MOVE_ID + index * 2,
        **item_numbers(world, item),
        "MCU": world.units[world.branch(item)],
        "LOTN": world.lot_texts(world.lot_for("move lot", index, item)),
        "KCO": words.COMPANY,
        "KCOO": words.COMPANY,
        "DOC": document,
        "DOCO": document,
        "DCT": _KINDS[kind],
        "DCTO": _ORDER_KINDS[kind],
        "ICU": np.where(world.done(order) == 1, 50_000 + order // 40, 0),
        "DGL": julian(created),
        "GLPT": words.STOCK_CLASSES[item % len(words.STOCK_CLASSES)],
        "LNID": LINE,
        "IPCD": _POSTING[world.draws.below("IPCD", index, len(_POSTING))],
        "TRDJ": julian(created),
        "TRUM": world.measure(item),
        "TRQT": quantity,
        "UNCS": cost,
        "PAID": quantity * cost // _AMOUNT,
        "USER": words.USERS[world.draws.below("F4111 user", index, len(words.USERS))],
        "PID": _PROGRAMS[kind],
        "TERM": words.STATIONS[world.draws.below("F4111 station", index, len(words.STATIONS))],
        "CRDJ": julian(created),
        "TDAY": clock_time(created),
    }


def _kind(world: World, index: Ints, order: Ints) -> Ints:
    """One completion for each completed work order, as its last row; of the others a tenth is not its own."""
    last = world.moves.start(order + 1) - 1 == index
    roll = world.draws.below("move kind", index, 100)
    other = np.where(roll < 8, _RECEIPT, np.where(roll < 10, _ADJUSTMENT, _ISSUE))
    return np.where(last & (world.done(order) == 1), _COMPLETION, other)


def _item(world: World, index: Ints, order: Ints, kind: Ints) -> Ints:
    made = world.order_item(order)
    lines = np.maximum(world.bill_lines.size(made), 1)
    component = world.component(made, world.moves.position(index) % lines)
    purchased = world.purchased("received", index)
    return np.where(kind == _COMPLETION, made, np.where(kind == _ISSUE, component, purchased))


def _quantity(world: World, index: Ints, order: Ints, kind: Ints) -> Ints:
    """Issues are negative, completions and receipts positive, adjustments either."""
    some = 1 + world.draws.below("moved", index, 400 * QUANTITY)
    sign = np.where(kind == _ISSUE, -1, np.where((kind == _ADJUSTMENT) & (index % 2 == 0), -1, 1))
    return np.where(kind == _COMPLETION, world.order_quantity(order) * QUANTITY, some * sign)


def _document(world: World, index: Ints, order: Ints, kind: Ints) -> Ints:
    bought = FIRST_PURCHASE_ORDER + world.draws.below("receipt of", index, world.purchase_lines.parents)
    made = FIRST_WORK_ORDER + order
    return np.where(kind == _RECEIPT, bought, np.where(kind == _ADJUSTMENT, 0, made))
