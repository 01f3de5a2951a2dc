"""The pages of the reference that are made from what runs of the kits showed: sources, and the matrix of types."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from afresh.core.schema import TYPE_NAMES, Column, parse_type
from afresh.core.select import Policy
from afresh.testing.kit_report import Record
from afresh.testing.markdown import anchor, code, table, visible
from afresh.testing.odd_values import ODD, OddValue, cut
from afresh.testing.source_report import SourceRecord
from afresh.testing.source_seen import Seen, together

_SHOWN_TYPES = tuple(
    {"decimal(p,s)": "decimal(15,2)", "text(n)": "text(40)"}.get(name, name) for name in sorted(TYPE_NAMES)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheColumns:
    """A cache in the matrix: its name, the type that it gives a column, and the record of its kit's newest run."""

    name: str
    storage: Callable[[Column], str]
    record: Record | None

    @property
    def run(self) -> str:
        """The version that the record speaks for."""
        version = "" if self.record is None else self.record.version
        return "**a fake**" if version == "no server" else version

    def kept(self, odd: OddValue) -> str:
        """How the value was kept; empty if that is not recorded."""
        return "" if self.record is None else self.record.odd.get(odd.name, "")


# ------------------------------------------------------------------------------------------------- sources


def sources_page(found: Sequence[SourceRecord], kinds: Sequence[Sequence[str]]) -> Iterator[str]:
    """Which source was tested on what, with gaps and reasons. `kinds` are the names of each kind that there is."""
    yield "# Sources\n"
    yield (
        "Every source has to pass one conformance kit, `afresh.testing.source_kit`: it reads, cancels, cuts the "
        "connection, looks at every statement that is sent and at every type of the database. This page says on what "
        "the kit was really run, and with what result. A *gap* is a test that has to fail, *outside* is one that has "
        "no meaning for the source; both have a reason. Where it says **a fake**, no product was there: a stand-in of "
        "our own answered, which shows what the adapter makes of answers, and nothing of the product. `make sources` "
        "runs the kit again and writes this page and the [matrix of types](types.md); servers are named by "
        "`AFRESH_TEST_ORACLE_URL`, `AFRESH_TEST_SQLSERVER_URL` and `AFRESH_TEST_POSTGRES_URL`. A source of your own: "
        "[add a source](../how-to/add-a-source.md).\n"
    )
    headings = ("Kind", "Product", "Version", "Reached by", "Day", "Tests", "Passed", "Gaps", "Outside", "Not passed")
    yield from table(headings, [row for names in kinds for row in _tested(names, found)])
    for record in found:
        yield from _source(record)


def _tested(names: Sequence[str], found: Sequence[SourceRecord]) -> list[tuple[str, ...]]:
    kind = ", ".join(map(code, names))
    rows: list[tuple[str, ...]] = [
        (
            kind,
            f"[{record.product}](#{anchor(_title(record))})",
            record.version if record.real else "**a fake**",
            f"{record.by}; Python {record.python}",
            record.date,
            f"{record.tests}",
            f"{record.passed}",
            f"{len(record.gaps)}",
            f"{len(record.outside)}",
            f"{len(record.failed) + len(record.skipped)}",
        )
        for record in found
        if record.kind in names
    ]
    return rows or [(kind, "", "", "not tested", "", "0", "0", "", "", "")]


def _title(record: SourceRecord) -> str:
    version = record.version if record.real else "on a fake"
    return f"{record.product} {version} as {record.kind}"


def _source(record: SourceRecord) -> Iterator[str]:
    yield f"\n## {_title(record)}\n"
    yield _told(record)
    yield from table(("Gap", "Reason"), [(code(test), reason) for test, reason in record.gaps.items()])
    yield from table(("Outside", "Reason"), list(_grouped(record.outside)))
    missed = [(code(test), "failed") for test in record.failed] + [(code(test), "skipped") for test in record.skipped]
    yield from table(("Not passed", ""), missed)


def _told(record: SourceRecord) -> str:
    where = "" if record.real else " **No product was there: a fake of ours answered.**"
    return f"Read by {record.by} on {record.date}: {record.passed} of {record.tests} tests passed.{where}\n"


def _grouped(reasons: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The tests that have one reason together."""
    tests: dict[str, list[str]] = {}
    for test, reason in reasons.items():
        tests.setdefault(reason, []).append(test)
    for reason, names in tests.items():
        shown = ", ".join(map(code, names[:3]))
        yield (shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"), reason


# --------------------------------------------------------------------------------------------------- types


def types_page(found: Sequence[SourceRecord], caches: Sequence[CacheColumns]) -> Iterator[str]:
    """What arrives of each type of each source, what each cache makes of it, and what is done with odd values."""
    yield "# Types\n"
    yield (
        "What is written below was seen in recorded runs: of the kit for [sources](sources.md), and of the kit for "
        "[caches](caches.md); the types of the caches' columns are what the adapters' own functions say. No value is "
        "changed on its way without a word: it arrives exactly, or the sync stops and names table, column, key and the "
        "shape of the value, or a policy that was declared for the column says what becomes of it. What a policy "
        "changed is counted. Where it says **a fake**, the product was not there. Blanks that nobody would see are "
        "written ␣; long values are cut short.\n"
    )
    yield from table(("Policy", "A value that does not fit"), [(code(policy), _POLICIES[policy]) for policy in Policy])
    yield from _ours(caches)
    yield "\n## Odd values\n"
    for odd in ODD:
        yield from _odd(odd, found, caches)
    for record in found:
        yield from _matrix(record, caches)


_POLICIES = {
    Policy.STOP: "stops the sync, which changes nothing; this is what is done unless another policy is declared",
    Policy.NULL: "becomes null",
    Policy.CLAMP: "becomes the nearest value that fits; if none is near, the sync stops",
    Policy.TEXT: "comes as text, as does the whole column",
    Policy.QUARANTINE: "stays out of the table: its row is set aside in a side table, with the reason",
}


def _ours(caches: Sequence[CacheColumns]) -> Iterator[str]:
    yield "\n## Types that travel\n"
    yield "Whatever a source calls a type, it arrives as one of these, and each cache keeps it in a type of its own.\n"
    rows = [(code(name), code(str(parse_type(name)[0])), *_stored(name, caches)) for name in _SHOWN_TYPES]
    yield from table(("Type", "Arrow", *(cache.name for cache in caches)), rows)


def _stored(name: str, caches: Sequence[CacheColumns]) -> tuple[str, ...]:
    kind, length = parse_type(name)
    column = Column(name="V", type=kind, length=length)
    return tuple(code(cache.storage(column)) for cache in caches)


def _odd(odd: OddValue, found: Sequence[SourceRecord], caches: Sequence[CacheColumns]) -> Iterator[str]:
    yield f"\n### {odd.name}\n"
    yield f"{odd.meaning[0].upper()}{odd.meaning[1:]}.\n"
    rows = [row for record in found for seen in record.odd if seen.odd == odd.name for row in _became(record, seen)]
    yield from table(("Source", "Declared", "Written", "Read as", "What becomes of it", "Note"), rows)
    kept = [(cache.name, cache.run, visible(told)) for cache in caches if (told := cache.kept(odd))]
    yield from table(("Cache", "Run", "Kept"), kept)


def _became(record: SourceRecord, seen: Seen) -> Iterator[tuple[str, ...]]:
    source = _source_of(record)
    if seen.cannot:
        yield (source, "", "", "", f"not tried: {seen.cannot}", "")
    for written, came in seen.arrived:
        yield (source, code(seen.declared), code(written), code(seen.read_as), f"arrives as {code(came)}", seen.note)
    for written, became in seen.misfits.items():
        told = _policies(became)
        yield (source, code(seen.declared), code(cut(written)), code(seen.read_as), told, seen.note)


def _policies(became: Mapping[str, str]) -> str:
    """What became of a value under each policy, those together that did the same."""
    alike: dict[str, list[str]] = {}
    for policy in (str(policy) for policy in Policy if policy in became):
        alike.setdefault(became[policy], []).append(policy)
    return "; ".join(
        f"{', '.join(policies)}: {came if came.startswith(('stops', 'its row')) else code(came)}"
        for came, policies in alike.items()
    )


def _source_of(record: SourceRecord) -> str:
    version = record.version if record.real else "on **a fake**"
    return f"{record.product} {version} ({record.kind})"


def _matrix(record: SourceRecord, caches: Sequence[CacheColumns]) -> Iterator[str]:
    known = {seen.declared for seen in record.types}
    others = together(replace(seen, odd="") for seen in record.odd if seen.declared not in known and not seen.cannot)
    types = sorted([*record.types, *others], key=lambda seen: seen.declared.lower())
    if not types:
        return
    yield f"\n## {_title(record)}\n"
    yield _told(record)
    rows = []
    for seen in types:
        arrived = ", ".join(f"{code(written)} → {code(came)}" for written, came in seen.arrived)
        misfits = "; ".join(f"{code(cut(written))}: {_policies(told)}" for written, told in seen.misfits.items())
        kept = _stored(seen.read_as or seen.described, caches)
        described = seen.described if seen.described == seen.read_as else f"{seen.read_as} (described {seen.described})"
        declared = code(seen.declared) if seen.declared else "no type"
        rows.append((declared, code(described), code(seen.arrow), *kept, arrived, misfits, seen.note))
    names = tuple(cache.name for cache in caches)
    yield from table(("Type", "Arrives as", "Arrow", *names, "Seen to arrive", "Does not fit", "Note"), rows)
