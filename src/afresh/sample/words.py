"""The invented words of the sample, blank padded the way JD Edwards stores them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.object_]

COMPANY = "00001"
BRANCHES = ("         M30", "         M40", "          30")
BLANK_LOT = " " * 30
BLANK_LOCATION = " " * 20


def pad(word: str, length: int) -> str:
    """Left-justified text of exactly that many characters."""
    return word[:length].ljust(length)


def unit(name: str) -> str:
    """A business unit: right-justified in 12."""
    return name.rjust(12)


def padded(words: Sequence[str], length: int) -> Words:
    """Words of that many characters, to be picked by an array of positions."""
    return np.array([pad(word, length) for word in words], dtype=object)


USERS = padded(("JSMITH", "MMEIER", "ÅBERG", "LDUBOIS", "TNGUYEN", "KOWALSKI", "SCHED01", "WMÜLLER"), 10)
STATIONS = padded(("JASPRD1", "JASPRD2", "ENTPRD1", "WS-4411", "WS-4412", "KIOSK07"), 10)
UNITS_OF_MEASURE = padded(("EA", "KG", "M", "LT"), 2)
COUNTRIES = padded(("US", "DE", "JP", "SE", "FR", "CN"), 3)
STOCK_CLASSES = padded(("IN20", "IN30", "IN40"), 4)
FAMILIES = padded(("010", "020", "030", "040", "0A1"), 3)
LOT_STATUSES = padded(("", "", "", "", "", "", "H", "Q"), 1)
SHIFTS = padded(("1", "2", "3"), 1)
REASONS = padded(("", "", "", "SCR", "MAT", "OPR"), 3)

ITEM_NOUNS = (
    "Spring contact",
    "Housing, sealed",
    "Kontaktfeder",
    "Gehäuse Ø 12 mm",
    "Boîtier étanche",
    "Käfigmutter",
    "导线架",
    "コネクタ",
    "Łożysko",
    "Resistor 4.7 kΩ",
    "Film 25 µm",
    "Bracket",
    "Cable 2 m",
    "Epoxy, 2-part",
    "Label",
    "O-ring 5/8″",
)
COMPANY_NAMES = (
    "Nordlicht Werkzeuge",
    "Prairie Metals",
    "Ångström Optik",
    "Société Générale du Ressort",
    "Lake Superior Plating",
    "Zażółć Chemia",
    "東都精密",
    "O'Hara & Sons",
    'Quote "Q" Fasteners',
    "Peña Hermanos",
)
OPERATIONS = ("Saw", "Turn", "Mill", "Weld", "Heat treat", "Inspect", "Assemble", "Test", "Pack", "Wash & dry")
CHARACTERISTICS = ("Length", "Diameter", "Tensile strength", "Viscosity", "Résistance", "Weight", "Torque")
RESULT_UNITS = ("mm", "mm", "N/mm²", "mPa·s", "Ω", "g", "N·m")
INSPECTORS = ("Åse Berg", "John Smith", "Lê Thị Hoa", "Müller, W.")

CODES: tuple[tuple[str, str, str, str], ...] = (
    ("00", "SS", "10", "Entered"),
    ("00", "SS", "20", "Approved"),
    ("00", "SS", "30", "Parts list attached"),
    ("00", "SS", "40", "Released"),
    ("00", "SS", "45", "In process"),
    ("00", "SS", "90", "Completed"),
    ("00", "SS", "95", "Costed"),
    ("00", "SS", "99", "Closed"),
    ("00", "DT", "WO", "Work order"),
    ("00", "DT", "OP", "Purchase order"),
    ("00", "DT", "SO", "Sales order"),
    ("00", "DT", "IM", "Issue to work order"),
    ("00", "DT", "IC", "Completion"),
    ("00", "DT", "OV", "Receipt"),
    ("00", "DT", "IA", "Adjustment"),
    ("00", "CN", "       USA", "United States"),
    ("00", "CN", "       DEU", "Germany (Deutschland)"),
    ("00", "CN", "       JPN", "日本"),
    ("00", "CN", "       SWE", "Sverige"),
    ("00", "MC", "BP", "Branch/plant"),
    ("00", "MC", "WC", "Work center"),
    ("01", "ST", "V", "Supplier"),
    ("01", "ST", "C", "Customer"),
    ("01", "ST", "E", "Employee"),
    ("41", "I", "M", "Manufactured"),
    ("41", "I", "P", "Purchased"),
    ("41", "L", "H", "Hold"),
    ("41", "L", "Q", "Quarantine"),
    ("41", "DT", "C", "Customer item number"),
    ("41", "DT", "VN", "Supplier item number"),
    ("31", "TH", "1", "Run labor"),
    ("31", "TH", "2", "Setup labor"),
    ("31", "TH", "3", "Machine"),
    ("40", "AT", "220", "Enter"),
    ("40", "AT", "400", "Receive"),
    ("40", "AT", "540", "Print pick"),
    ("40", "AT", "580", "Invoice"),
    ("40", "AT", "999", "Complete, ready to purge"),
)
