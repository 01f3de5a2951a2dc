"""Rows of the master tables: items, branches, bills, addresses, business units, codes."""

import numpy as np

from afresh.sample import words
from afresh.sample.columns import QUANTITY, Columns, audit, item_numbers, masters_changed, numbers
from afresh.sample.draws import Ints
from afresh.sample.wall import DAY, julian
from afresh.sample.words import pad, padded
from afresh.sample.world import FIRST_ADDRESS, World

_NEVER_EXPIRES = 140_366
_STEP_OF_LINE = 100


def codes(world: World, index: Ints) -> Columns:
    """F0005: the codes that other rows use, then filling ones of system 55."""
    rows = [_code(number) for number in index.tolist()]
    return {
        "SY": [pad(row[0], 4) for row in rows],
        "RT": [pad(row[1], 2) for row in rows],
        "KY": [pad(row[2], 10) for row in rows],
        "DL01": [pad(row[3], 30) for row in rows],
        "HRDC": "N",
        **audit(world, "F0005", index, masters_changed(world, "F0005", index), "P0004A", "UPMT"),
    }


def _code(number: int) -> tuple[str, str, str, str]:
    if number < len(words.CODES):
        return words.CODES[number]
    return "55", f"S{number % 8}", f"C{number:04d}", f"Site code {number}"


def business_units(world: World, index: Ints) -> Columns:
    """F0006: the three branches, then work centers."""
    branch = index < len(words.BRANCHES)
    return {
        "MCU": world.units[index],
        "STYL": np.where(branch, "BP", "WC").astype(object),
        "CO": words.COMPANY,
        "DL01": [pad(_unit_name(number), 30) for number in index.tolist()],
        **audit(world, "F0006", index, masters_changed(world, "F0006", index), "P0006", "UPMT"),
    }


def _unit_name(number: int) -> str:
    if number < len(words.BRANCHES):
        return f"Plant {words.BRANCHES[number].strip()}"
    return f"Work center {number}"


def addresses(world: World, index: Ints) -> Columns:
    """F0101: suppliers, customers and employees in turn."""
    names = [f"{words.COMPANY_NAMES[number % len(words.COMPANY_NAMES)]} {number}" for number in index.tolist()]
    return {
        "AN8": FIRST_ADDRESS + index,
        "ALKY": [pad(f"AB{number:06d}", 20) for number in index.tolist()],
        "ALPH": padded(names, 40),
        "DC": padded([name.upper().replace(" ", "") for name in names], 40),
        "MCU": words.unit("1"),
        "AT1": padded(("V", "V", "C", "C", "E"), 3)[index % 5],
        "EFTB": julian(masters_changed(world, "F0101 from", index)),
        **audit(world, "F0101", index, masters_changed(world, "F0101", index), "P01012", "UPMT"),
    }


def items(world: World, index: Ints) -> Columns:
    """F4101."""
    return {
        **item_numbers(world, index),
        "DSC1": world.descriptions[index],
        "DSC2": padded(("", "RoHS", "série B", ""), 30)[world.draws.below("DSC2", index, 4)],
        "SRTX": world.descriptions[index],
        "DRAW": [pad(f"D-{number % 977:04d}", 20) for number in index.tolist()],
        "RVNO": padded(("A", "B", "C"), 2)[index % 3],
        **_item_settings(world, index),
        **audit(world, "F4101", index, masters_changed(world, "F4101", index), "P4101"),
    }


def _item_settings(world: World, item: Ints) -> Columns:
    made = item < world.made
    return {
        "STKT": np.where(made, "M", "P").astype(object),
        "LNTY": "S ",
        "GLPT": words.STOCK_CLASSES[item % len(words.STOCK_CLASSES)],
        "SRCE": np.where(item % 4 == 3, "0", "1").astype(object),
        "PRP4": words.FAMILIES[item % len(words.FAMILIES)],
        "SLD": np.where(item % 5 == 0, 365, 0),
        "BUYR": world.employee("buyer", item),
        "ANPL": world.employee("planner", item),
    }


def item_branches(world: World, index: Ints) -> Columns:
    """F4102: each item in its own branch, many in others too."""
    item = world.branches_of_item.parent(index)
    branch = (world.branch(item) + world.branches_of_item.position(index)) % len(words.BRANCHES)
    return {
        **item_numbers(world, item),
        "MCU": world.units[branch],
        **_item_settings(world, item),
        "VEND": np.where(item < world.made, 0, world.supplier("item supplier", item)),
        "ORIG": words.COUNTRIES[item % len(words.COUNTRIES)],
        "ROPI": world.draws.below("ROPI", index, 200) * QUANTITY,
        "ROQI": world.draws.below("ROQI", index, 1000) * QUANTITY,
        "SAFE": world.draws.below("SAFE", index, 100_000_000) // 100,
        "LTLV": 1 + world.draws.below("LTLV", index, 60),
        **audit(world, "F4102", index, masters_changed(world, "F4102", index), "P41026"),
    }


def bills(world: World, index: Ints) -> Columns:
    """F3002: three levels of bills of material."""
    parent = world.bill_lines.parent(index)
    position = world.bill_lines.position(index)
    component = world.component(parent, position)
    return {
        "TBM": "M  ",
        **item_numbers(world, parent, ("KIT", "KITL", "KITA")),
        **item_numbers(world, component),
        "MMCU": world.units[world.branch(parent)],
        "CMCU": world.units[world.branch(component)],
        "CPNT": (position + 1) * _STEP_OF_LINE,
        "CPNB": (position + 1) * _STEP_OF_LINE,
        "QNTY": 1 + world.draws.below("QNTY", index, 20 * QUANTITY),
        "UM": world.measure(component),
        "UOM": world.measure(parent),
        "EFFF": julian(masters_changed(world, "F3002 from", index)),
        "EFFT": _NEVER_EXPIRES,
        "ITC": "I",
        "FORQ": "V",
        "DSC1": world.descriptions[component],
        **audit(world, "F3002", index, masters_changed(world, "F3002", index), "P3002"),
    }


def cross_references(world: World, index: Ints) -> Columns:
    """F4104: what suppliers call an item."""
    item = world.references.parent(index)
    supplier = world.supplier("reference", index)
    return {
        **item_numbers(world, item),
        "XRT": "VN",
        "AN8": supplier,
        "CITM": [pad(f"{number}-{place}", 25) for number, place in zip(supplier.tolist(), index.tolist(), strict=True)],
        "EXDJ": _NEVER_EXPIRES,
        "EFTJ": julian(masters_changed(world, "F4104 from", index)),
        "DSC1": world.descriptions[item],
        "RATO": 10_000,
        **audit(world, "F4104", index, masters_changed(world, "F4104", index), "P4104"),
    }


def locations(world: World, index: Ints) -> Columns:
    """F41021: the blank primary location of each item first, then others with their lots."""
    item = world.locations.parent(index)
    position = world.locations.position(index)
    lot = np.where(position == 0, -1, world.lot_for("location", index, item))
    return {
        "ITM": numbers(item),
        "MCU": world.units[world.branch(item)],
        "LOCN": [pad(f"{place}.A.{place:02d}", 20) if place else words.BLANK_LOCATION for place in position.tolist()],
        "LOTN": world.lot_texts(lot),
        "PBIN": np.where(position == 0, "P", "S").astype(object),
        "GLPT": words.STOCK_CLASSES[item % len(words.STOCK_CLASSES)],
        "LRCJ": julian(masters_changed(world, "LRCJ", index)),
        "PQOH": world.draws.below("PQOH", index, 5_000 * QUANTITY),
        "HCOM": world.draws.below("HCOM", index, 50) * QUANTITY,
        **audit(world, "F41021", index, masters_changed(world, "F41021", index), "P41024"),
    }


def lots(world: World, index: Ints) -> Columns:
    """F4108: lots of made and purchased items, with supplier and expiry."""
    item = world.lot_item(index)
    made = item < world.made
    received = masters_changed(world, "F4108 received", index)
    shelf_life = np.where(item % 5 == 0, 365, 0) * DAY
    return {
        "LOTN": world.lot_texts(index),
        **item_numbers(world, item),
        "MCU": world.units[world.branch(item)],
        "LDSC": world.descriptions[item],
        "LOTS": words.LOT_STATUSES[world.draws.below("LOTS", index, len(words.LOT_STATUSES))],
        "VEND": np.where(made, 0, world.supplier("lot supplier", index)),
        "RLOT": [pad(f"S/{number * 7 % 99991:05d}", 30) for number in index.tolist()],
        "LOTP": 100_000,
        "ORIG": words.COUNTRIES[item % len(words.COUNTRIES)],
        "OHDJ": julian(received),
        "DLEJ": julian(received),
        "MMEJ": np.where(shelf_life > 0, julian(received + shelf_life), 0),
        **audit(world, "F4108", index, np.maximum(received, masters_changed(world, "F4108", index)), "P4108"),
    }
