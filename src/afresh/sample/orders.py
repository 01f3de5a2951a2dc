"""Rows of orders: work orders with routing, parts and hours; purchase and sales order lines."""

import numpy as np

from afresh.sample import words
from afresh.sample.columns import HOURS, LINE, QUANTITY, STEP, Columns, audit, item_numbers, numbers
from afresh.sample.draws import Ints
from afresh.sample.wall import DAY, julian
from afresh.sample.words import padded
from afresh.sample.world import FIRST_PURCHASE_ORDER, FIRST_SALES_ORDER, FIRST_WORK_ORDER, World

FIRST_PART_ID = 1_000_003
FIRST_HOURS_ID = 2_000_005
_OPEN_STATUSES = padded(("10", "20", "30", "40", "45"), 2)
_CLOSED_STATUSES = padded(("95", "99", "99", "99"), 2)
_PURCHASE_STATUSES = padded(("400", "400", "999"), 3)
_PRIORITIES = padded(("1", "2", "3"), 1)
_UNIT_COST_OF_QUANTITY = 100
"""A price with 4 decimals times pieces gives an amount with 2."""


def work_orders(world: World, index: Ints) -> Columns:
    """F4801: numbered in the order in which they were entered."""
    item = world.order_item(index)
    ordered = world.ordered(index)
    changed = world.during("F4801 changed", index, index, days=45)
    done = world.done(index)
    pieces = world.order_quantity(index)
    return {
        "DOCO": FIRST_WORK_ORDER + index,
        "DCTO": "WO",
        "SFXO": "000",
        "TYPS": "M",
        "PRTS": _PRIORITIES[world.draws.below("PRTS", index, 3)],
        "DL01": world.descriptions[item],
        "CO": words.COMPANY,
        "MCU": world.units[world.branch(item)],
        "MMCU": world.units[world.branch(item)],
        "SRST": np.where(
            done == 1,
            _CLOSED_STATUSES[world.draws.below("closed", index, len(_CLOSED_STATUSES))],
            _OPEN_STATUSES[world.draws.below("open", index, len(_OPEN_STATUSES))],
        ),
        "DCG": julian(changed),
        "ANO": world.employee("originator", index),
        "ANP": world.employee("assigned", index),
        "TRDJ": julian(ordered),
        "STRT": julian(ordered + 2 * DAY),
        "DRQJ": julian(ordered + 14 * DAY),
        "STRX": np.where(done == 1, julian(changed), 0),
        "HRSO": world.draws.below("HRSO", index, 80 * HOURS),
        "HRSA": world.draws.below("HRSA", index, 80 * HOURS) * done,
        **item_numbers(world, item),
        "UORG": pieces * QUANTITY,
        "SOQS": pieces * QUANTITY * done,
        "UOM": world.measure(item),
        "TBM": "M  ",
        "TRT": "M  ",
        "LOTN": world.lot_texts(world.lot_for("order lot", index, item)),
        **audit(world, "F4801", index, changed, "P48013"),
    }


def routing(world: World, index: Ints) -> Columns:
    """F3112: four to eight steps for each work order."""
    order = world.steps.parent(index)
    step = world.steps.position(index)
    item = world.order_item(order)
    done = world.done(order)
    changed = world.during("F3112 changed", index, order)
    pieces = world.order_quantity(order) * QUANTITY
    operations = padded(words.OPERATIONS, 30)
    return {
        "DOCO": FIRST_WORK_ORDER + order,
        "DCTO": "WO",
        "SFXO": "000",
        "TRT": "M  ",
        **item_numbers(world, item, ("KIT", "KITL", "KITA")),
        "MMCU": world.units[world.branch(item)],
        "MCU": world.units[world.center(item, step)],
        "DSC1": operations[(item + step) % len(operations)],
        "OPSQ": (step + 1) * STEP,
        "OPSC": "  ",
        "OPST": padded(("", "30", "40"), 2)[world.draws.below("OPST", index, 3)],
        "TRDJ": julian(world.ordered(order)),
        "STRX": np.where(done == 1, julian(changed), 0),
        "RUNM": world.draws.below("RUNM", index, 8 * HOURS),
        "RUNL": world.draws.below("RUNL", index, 8 * HOURS),
        "SETL": world.draws.below("SETL", index, HOURS),
        "LABA": world.draws.below("LABA", index, 9 * HOURS) * done,
        "UORG": pieces,
        "SOQS": pieces * done,
        "UOM": world.measure(item),
        **audit(world, "F3112", index, changed, "P3112"),
    }


def parts(world: World, index: Ints) -> Columns:
    """F3111: for each work order the lines of its item's bill."""
    order = world.parts.parent(index)
    position = world.parts.position(index)
    item = world.order_item(order)
    component = world.component(item, position % np.maximum(world.bill_lines.size(item), 1))
    needed = world.order_quantity(order) * (1 + world.draws.below("needed", index, 3 * QUANTITY))
    changed = world.during("F3111 changed", index, order)
    return {
        "UKID": FIRST_PART_ID + index * 2,
        "DOCO": FIRST_WORK_ORDER + order,
        "DCTO": "WO",
        "SFXO": "000",
        "TBM": "M  ",
        "OPSQ": STEP,
        "CPNB": (position + 1) * 100,
        **item_numbers(world, component, ("CPIT", "CPIL", "CPIA")),
        "CMCU": world.units[world.branch(component)],
        "MCU": world.units[world.branch(item)],
        "DSC1": world.descriptions[component],
        "LOTN": world.lot_texts(world.lot_for("part lot", index, component)),
        "ITC": "I",
        "FORQ": "V",
        "TRDJ": julian(world.ordered(order)),
        "DRQJ": julian(world.ordered(order) + 3 * DAY),
        "UORG": needed,
        "TRQT": needed * world.done(order),
        "UM": world.measure(component),
        "CTS1": world.unit_cost(component),
        **audit(world, "F3111", index, changed, "P3111"),
    }


def hours(world: World, index: Ints) -> Columns:
    """F31122: labor, setup and machine hours of the routing steps."""
    order = world.hours.parent(index)
    step = world.hours.position(index) % np.maximum(world.steps.size(order), 1)
    item = world.order_item(order)
    worked = world.during("F31122 worked", index, order)
    begin = 60_000 + world.draws.below("PBTM", index, 8) * 10_000
    return {
        "UKID": FIRST_HOURS_ID + index * 2,
        "DOCO": FIRST_WORK_ORDER + order,
        "DCTO": "WO",
        "AN8": world.employee("worker", index),
        "KIT": numbers(item),
        "KITL": world.long_numbers[item],
        "MMCU": world.units[world.branch(item)],
        "MCU": world.units[world.center(item, step)],
        "OPSQ": (step + 1) * STEP,
        "TYR": words.SHIFTS[index % 3],
        "YST": padded(("", "C"), 1)[world.done(order)],
        "DCT": "WO",
        "PBDT": julian(worked),
        "DGL": julian(worked),
        "PBTM": begin,
        "PETM": begin + 10_000 + world.draws.below("PETM", index, 60) * 100,
        "SHFT": words.SHIFTS[world.draws.below("SHFT", index, 3)],
        "HRW": 100 + world.draws.below("HRW", index, 8 * HOURS),
        "SOCN": world.draws.below("scrapped", index, 3) * QUANTITY,
        "UOM": world.measure(item),
        "RCD": words.REASONS[world.draws.below("RCD", index, len(words.REASONS))],
        **audit(world, "F31122", index, worked, "P311221"),
    }


def purchase_lines(world: World, index: Ints) -> Columns:
    """F4311: lines of purchase orders, the older ones received."""
    order = world.purchase_lines.parent(index)
    item = world.purchased("bought", index)
    ordered = world.wall.moment(order, world.purchase_lines.parents)
    pieces = (1 + world.draws.below("bought pieces", index, 1_000)) * QUANTITY
    received = np.where(world.wall.now - ordered > 40 * DAY, pieces, 0)
    price = world.unit_cost(item)
    changed = world.wall.at_work(ordered + world.draws.below("F4311 changed", index, 40 * DAY))
    supplier = world.supplier("vendor", order)
    return {
        "KCOO": words.COMPANY,
        "DOCO": FIRST_PURCHASE_ORDER + order,
        "DCTO": "OP",
        "SFXO": "000",
        "LNID": (world.purchase_lines.position(index) + 1) * LINE,
        "MCU": world.units[world.branch(item)],
        "CO": words.COMPANY,
        "AN8": supplier,
        "SHAN": supplier,
        "TRDJ": julian(ordered),
        "DRQJ": julian(ordered + 20 * DAY),
        "PDDJ": julian(ordered + 25 * DAY),
        **item_numbers(world, item),
        "DSC1": world.descriptions[item],
        "LNTY": "S ",
        "NXTR": _PURCHASE_STATUSES[np.where(received > 0, 2, 0)],
        "LTTR": _PURCHASE_STATUSES[np.where(received > 0, 1, 0)],
        "UOM": world.measure(item),
        "UORG": pieces,
        "UOPN": pieces - received,
        "UREC": received,
        "PRRC": price,
        "AEXP": price * (pieces // QUANTITY) // _UNIT_COST_OF_QUANTITY,
        **audit(world, "F4311", index, np.maximum(changed, ordered), "P4310"),
    }


def sales_lines(world: World, index: Ints) -> Columns:
    """F4211: lines of sales orders; the older ones are at 999, ready to be purged."""
    order = world.sales_lines.parent(index)
    item = world.draws.below("sold", index, world.made)
    ordered = world.wall.moment(order, world.sales_lines.parents)
    pieces = (1 + world.draws.below("sold pieces", index, 100)) * QUANTITY
    shipped = world.wall.now - ordered > 60 * DAY
    price = world.unit_cost(item) * 3
    changed = world.wall.at_work(ordered + world.draws.below("F4211 changed", index, 60 * DAY))
    customer = world.customer("buyer of", order)
    return {
        "KCOO": words.COMPANY,
        "DOCO": FIRST_SALES_ORDER + order,
        "DCTO": "SO",
        "LNID": (world.sales_lines.position(index) + 1) * LINE,
        "SFXO": "000",
        "MCU": world.units[world.branch(item)],
        "CO": words.COMPANY,
        "AN8": customer,
        "SHAN": customer,
        "TRDJ": julian(ordered),
        "DRQJ": julian(ordered + 30 * DAY),
        "ADDJ": np.where(shipped, julian(changed), 0),
        "IVD": np.where(shipped, julian(changed), 0),
        **item_numbers(world, item),
        "DSC1": world.descriptions[item],
        "LNTY": "S ",
        "NXTR": np.where(shipped, "999", "540").astype(object),
        "LTTR": np.where(shipped, "620", "520").astype(object),
        "UOM": world.measure(item),
        "UORG": pieces,
        "SOQS": np.where(shipped, pieces, 0),
        "UPRC": price,
        "AEXP": price * (pieces // QUANTITY) // _UNIT_COST_OF_QUANTITY,
        "UNCS": world.unit_cost(item),
        **audit(world, "F4211", index, np.maximum(changed, ordered), "P4210"),
    }
