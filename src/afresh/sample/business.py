"""What people and batch jobs do all day in the simulated company. Each function writes one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from afresh.sample.changes import Key, Value
from afresh.sample.columns import HOURS, LINE, QUANTITY
from afresh.sample.desk import Desk, Row
from afresh.sample.mis import MICRO, decimal_text
from afresh.sample.scale import MIS_DATA
from afresh.sample.words import pad

Transaction: TypeAlias = Callable[[Desk], None]
"""Writes its statements at the desk; none at all if it finds nothing to do."""

_STATUSES = ("10", "20", "30", "40", "45", "90", "95", "99")
_DESCRIPTIONS = (("F4101", "DSC2"), ("F0101", "DC"), ("F0006", "DL02"), ("F0005", "DL02"), ("F4104", "DSC2"))
_NUMBERS = (("F4102", "SAFE"), ("F3002", "QNTY"))
_NOTES = ("geprüft", "révisé", "checked", "確認済", "", "zatwierdzone")
_ACTIVE_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A transaction, how often it comes among the others, and the tables it needs."""

    run: Transaction
    weight: int
    needs: tuple[str, ...]


def new_work_order(desk: Desk) -> None:
    """Enters a work order like an older one, with its routing and parts list where those tables are."""
    template = desk.pick("F4801")
    if template is None:
        return
    old, number = template["WADOCO"], desk.numbers.take("F4801")
    pieces = desk.random.randint(1, 500) * QUANTITY
    today = desk.stamp.date
    desk.insert(
        "F4801", template, "P48013", DOCO=number, SRST="10", DCG=today, TRDJ=today, STRX=0, UORG=pieces, SOQS=0, HRSA=0
    )
    if "F3112" in desk.present:
        for step in desk.all("F3112", "WLDOCO = ?", old, limit=_ACTIVE_LINES):
            desk.insert("F3112", step, "R31410", DOCO=number, OPST="  ", TRDJ=today, STRX=0, LABA=0, SOQS=0)
    if "F3111" in desk.present:
        for part in desk.all("F3111", "WMDOCO = ?", old, limit=_ACTIVE_LINES):
            identity = desk.numbers.take("F3111")
            desk.insert("F3111", part, "R31410", UKID=identity, DOCO=number, TRDJ=today, TRQT=0)


def order_status(desk: Desk) -> None:
    """Moves a work order on."""
    row = desk.pick("F4801")
    if row is not None:
        status = desk.random.choice([code for code in _STATUSES if code != row["WASRST"]])
        done = status >= "90"
        desk.update(
            "F4801",
            row,
            "P48013",
            SRST=status,
            DCG=desk.stamp.date,
            STRX=desk.stamp.date if done else 0,
            SOQS=row["WAUORG"] if done else 0,
        )


def change_again(desk: Desk, key: Key) -> None:
    """Changes a work order once more."""
    priority = str(desk.random.randint(4, 9))
    desk.update("F4801", {"WADOCO": key[0]}, "P48013", PRTS=priority, SRST=desk.random.choice(_STATUSES))


def report_hours(desk: Desk) -> None:
    """Reports labor on a routing step."""
    template, step = desk.pick("F31122"), desk.pick("F3112")
    if template is None or step is None:
        return
    worked = desk.random.randint(10, 8 * HOURS)
    desk.insert(
        "F31122",
        template,
        "P311221",
        UKID=desk.numbers.take("F31122"),
        DOCO=step["WLDOCO"],
        MCU=step["WLMCU"],
        MMCU=step["WLMMCU"],
        OPSQ=step["WLOPSQ"],
        KIT=step["WLKIT"],
        KITL=step["WLKITL"],
        YST=" ",
        PBDT=desk.stamp.date,
        DGL=desk.stamp.date,
        HRW=worked,
    )
    desk.update("F3112", step, "P311221", LABA=step["WLLABA"] + worked, OPST="30")


def post_hours(desk: Desk) -> None:
    """Posts reported hours."""
    row = desk.pick("F31122", recent=True)
    if row is not None:
        desk.update("F31122", row, "R31422", YST="C", ICU=desk.random.randint(60_000, 69_999), DGL=desk.stamp.date)


def issue_part(desk: Desk) -> None:
    """Issues a part to its work order."""
    part, template = desk.pick("F3111", recent=True), desk.pick("F4111")
    if part is None or template is None:
        return
    quantity = desk.random.randint(1, 50 * QUANTITY)
    desk.update("F3111", part, "P31113", TRQT=part["WMTRQT"] + quantity)
    _move(
        desk,
        template,
        "P31113",
        DCT="IM",
        DCTO="WO",
        DOC=part["WMDOCO"],
        DOCO=part["WMDOCO"],
        ITM=part["WMCPIT"],
        LITM=part["WMCPIL"],
        AITM=part["WMCPIA"],
        MCU=part["WMCMCU"],
        LOTN=part["WMLOTN"],
        TRUM=part["WMUM"],
        TRQT=-quantity,
    )


def complete_order(desk: Desk) -> None:
    """Completes a work order: a ledger row and a status."""
    order, template = desk.pick("F4801", recent=True), desk.pick("F4111")
    if order is None or template is None or order["WASRST"] >= "90":
        return
    desk.update("F4801", order, "P31114", SRST="95", DCG=desk.stamp.date, STRX=desk.stamp.date, SOQS=order["WAUORG"])
    _move(
        desk,
        template,
        "P31114",
        DCT="IC",
        DCTO="WO",
        DOC=order["WADOCO"],
        DOCO=order["WADOCO"],
        ITM=order["WAITM"],
        LITM=order["WALITM"],
        AITM=order["WAAITM"],
        MCU=order["WAMMCU"],
        LOTN=order["WALOTN"],
        TRUM=order["WAUOM"],
        TRQT=order["WAUORG"],
    )


def receive(desk: Desk) -> None:
    """Receives what is open on a purchase order line."""
    line, template = desk.pick("F4311", recent=True), desk.pick("F4111")
    if line is None or template is None or not line["PDUOPN"]:
        return
    desk.update("F4311", line, "P4312", UREC=line["PDUORG"], UOPN=0, NXTR="999", LTTR="400")
    _move(
        desk,
        template,
        "P4312",
        DCT="OV",
        DCTO="OP",
        DOC=line["PDDOCO"],
        DOCO=line["PDDOCO"],
        LNID=line["PDLNID"],
        ITM=line["PDITM"],
        LITM=line["PDLITM"],
        AITM=line["PDAITM"],
        MCU=line["PDMCU"],
        TRUM=line["PDUOM"],
        TRQT=line["PDUORG"],
        UNCS=line["PDPRRC"],
    )


def _move(desk: Desk, template: Row, program: str, **values: Value) -> None:
    desk.insert(
        "F4111",
        template,
        program,
        UKID=desk.numbers.take("F4111"),
        DGL=desk.stamp.date,
        TRDJ=desk.stamp.date,
        ICU=0,
        IPCD=" ",
        **values,
    )


def post_ledger(desk: Desk) -> None:
    """Posts a ledger row: batch, G/L date and posting code are overwritten, and no stamp tells."""
    row = desk.pick("F4111")
    if row is not None:
        desk.rewrite("F4111", row, ICU=row["ILICU"] + desk.random.randint(1, 900), DGL=desk.stamp.date, IPCD="Y")


def new_purchase(desk: Desk) -> None:
    """Orders again what a line ordered."""
    _new_lines(desk, "F4311", "P4310", NXTR="400", LTTR="220", UREC=0)


def new_sale(desk: Desk) -> None:
    """Sells again what a line sold."""
    _new_lines(desk, "F4211", "P4210", NXTR="540", LTTR="520", SOQS=0, ADDJ=0, IVD=0)


def _new_lines(desk: Desk, table: str, program: str, **values: Value) -> None:
    number = desk.numbers.take(table)
    for position in range(desk.random.randint(1, 3)):
        template = desk.pick(table)
        if template is not None:
            line = (position + 1) * LINE
            desk.insert(table, template, program, DOCO=number, LNID=line, TRDJ=desk.stamp.date, **values)


def ship(desk: Desk) -> None:
    """Ships and invoices a sales order line: it is at 999 then."""
    line = desk.pick("F4211", recent=True)
    if line is not None and line["SDNXTR"] != "999":
        today = desk.stamp.date
        desk.update("F4211", line, "R42565", NXTR="999", LTTR="620", SOQS=line["SDUORG"], ADDJ=today, IVD=today)


def purge_sales(desk: Desk) -> None:
    """Purges the lines at 999 of a sales order."""
    line = desk.pick("F4211")
    if line is None:
        return
    for other in desk.all("F4211", "SDDOCO = ? AND SDNXTR = '999'", line["SDDOCO"]):
        if desk.free("F4211", other):
            desk.delete("F4211", other)


def lot_status(desk: Desk) -> None:
    """Puts a lot on hold, or frees it."""
    lot = desk.pick("F4108")
    if lot is not None:
        desk.update("F4108", lot, "P4108", LOTS="H" if lot["IOLOTS"] != "H" else " ")


def count_location(desk: Desk) -> None:
    """Counts what is at a location."""
    place = desk.pick("F41021")
    if place is not None:
        desk.update("F41021", place, "P4114", PQOH=desk.random.randint(0, 5_000 * QUANTITY))


def describe_master(desk: Desk) -> None:
    """Changes a text of a master row."""
    table, alias = desk.random.choice([choice for choice in _DESCRIPTIONS if choice[0] in desk.present])
    row = desk.pick(table)
    if row is not None:
        note = f"{desk.random.choice(_NOTES)} {desk.random.randint(1, 999)}"
        desk.update(table, row, "PMASTER", **{alias: pad(note, 40 if alias == "DC" else 30)})


def adjust_master(desk: Desk) -> None:
    """Changes a number of a master row."""
    table, alias = desk.random.choice([choice for choice in _NUMBERS if choice[0] in desk.present])
    row = desk.pick(table)
    if row is not None:
        desk.update(table, row, "PMASTER", **{alias: desk.random.randint(1, 90 * QUANTITY)})


def measure(desk: Desk) -> None:
    """Measures something."""
    template = desk.pick(MIS_DATA)
    if template is not None:
        value = decimal_text(desk.random.randint(-50 * MICRO, 2_000 * MICRO))
        desk.insert(MIS_DATA, template, MisId=desk.numbers.take(MIS_DATA), ResultValue=value, ResultText="PASS")


def correct_measure(desk: Desk) -> None:
    """Corrects a measured value."""
    row = desk.pick(MIS_DATA)
    if row is not None:
        value = decimal_text(desk.random.randint(-50 * MICRO, 2_000 * MICRO))
        desk.update(MIS_DATA, row, ResultValue=value, ResultText="CORRECTED")


HABITS = (
    Habit(run=new_work_order, weight=8, needs=("F4801",)),
    Habit(run=order_status, weight=20, needs=("F4801",)),
    Habit(run=report_hours, weight=14, needs=("F31122", "F3112")),
    Habit(run=post_hours, weight=3, needs=("F31122",)),
    Habit(run=issue_part, weight=24, needs=("F3111", "F4111")),
    Habit(run=complete_order, weight=5, needs=("F4801", "F4111")),
    Habit(run=receive, weight=5, needs=("F4311", "F4111")),
    Habit(run=post_ledger, weight=6, needs=("F4111",)),
    Habit(run=new_purchase, weight=3, needs=("F4311",)),
    Habit(run=new_sale, weight=5, needs=("F4211",)),
    Habit(run=ship, weight=5, needs=("F4211",)),
    Habit(run=purge_sales, weight=3, needs=("F4211",)),
    Habit(run=lot_status, weight=4, needs=("F4108",)),
    Habit(run=count_location, weight=5, needs=("F41021",)),
    Habit(run=describe_master, weight=3, needs=tuple(table for table, _ in _DESCRIPTIONS)),
    Habit(run=adjust_master, weight=2, needs=tuple(table for table, _ in _NUMBERS)),
    Habit(run=measure, weight=14, needs=(MIS_DATA,)),
    Habit(run=correct_measure, weight=3, needs=(MIS_DATA,)),
)
