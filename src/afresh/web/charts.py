"""Small pictures as SVG: drawn on the server, without styles of their own, each with its meaning as a text.

Shapes carry classes; the style sheet gives them colours that hold in light and dark. What a colour says, a shape or
a letter says too.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from html import escape

from markupsafe import Markup

from afresh.core.model import DataUpdate, Outcome, Phase
from afresh.core.phrases import instant, span

SIGNS: Mapping[str, str] = {"succeeded": "✓", "failed": "✗", "interrupted": "!", "cancelled": "–", "running": "↻"}
_CELLS: Mapping[str, str] = {
    kind: f'<td class="{kind}">{sign}</td>'
    for kind, sign in (("fresh", SIGNS["succeeded"]), ("late", "·"), ("failed", SIGNS["failed"]))
}
_BAR, _GAP, _HEIGHT, _SIGNS = 7, 2, 36, 12
_WIDTH, _CHART = 640, 100
_METER = 80
EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def outcome_of(update: DataUpdate) -> str:
    """The word for how it ended, or that it runs."""
    return "running" if update.outcome is None else str(update.outcome)


@lru_cache(maxsize=1_024)
def cells(kinds: tuple[str, ...]) -> Markup:
    """The cells of the grid for what was so in some stretches of time. What they mean is said once, above the grid."""
    return Markup("".join(_CELLS[kind] for kind in kinds))  # noqa: S704 - nothing in it is not ours


def strip(updates: Sequence[DataUpdate], now: datetime) -> Markup:
    """The last runs, oldest first: a bar each, as high as it took long, with a sign where it did not succeed. The bars
    of one outcome are one shape: a page has many strips, and stays small."""
    runs = list(reversed(updates))
    longest = max((_took(update, now).total_seconds() for update in runs), default=0) or 1
    bars, signs = dict[str, list[str]](), dict[str, list[str]]()
    for place, update in enumerate(runs):
        word, x = outcome_of(update), place * (_BAR + _GAP)
        high = max(2, round((_HEIGHT - _SIGNS) * _took(update, now).total_seconds() / longest))
        bars.setdefault(word, []).append(f"M{x} {_HEIGHT}v-{high}h{_BAR}v{high}z")
        signs.setdefault(word, []).append(str(x + _BAR // 2))
    marks = [
        f'<g class="run {word}"><title>{len(shapes)} {word}</title><path d="{"".join(shapes)}"/>'
        + ("" if word == "succeeded" else f'<text x="{" ".join(signs[word])}" y="9">{SIGNS[word] * len(shapes)}</text>')
        + "</g>"
        for word, shapes in bars.items()
    ]
    good = sum(update.outcome is Outcome.SUCCEEDED for update in runs)
    label = f"the last {len(runs)} runs, of which {good} succeeded" if runs else "no runs yet"
    if runs:
        label += f"; the longest took {span(timedelta(seconds=longest))}"
    wide = max(len(runs), 1) * (_BAR + _GAP)
    return _svg(wide, _HEIGHT, label, "".join(marks), "strip")


def line(points: Sequence[tuple[datetime, float]], label: str, unit: str) -> Markup:
    """Values over time, as bars from the ground, each with its value as a title; above them the highest, below them
    from when to when."""
    if not points:
        return _svg(_WIDTH, _CHART, f"{label}: nothing yet", "", "chart")
    first, last = points[0][0], points[-1][0]
    width = (last - first).total_seconds() or 1
    most = max(value for _, value in points) or 1
    marks = []
    for at, value in points:
        x = 4 + (_WIDTH - 12) * (at - first).total_seconds() / width
        high = max(1.0, (_CHART - 8) * value / most)
        marks.append(
            f"<g><title>{escape(instant(at))}: {_number(value)} {unit}</title>"
            f'<rect class="bar" x="{x:.1f}" y="{_CHART - 4 - high:.1f}" width="4" height="{high:.1f}" rx="1"/></g>'
        )
    grid = f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{_CHART - 4}" y2="{_CHART - 4}"/>'
    drawn = _svg(_WIDTH, _CHART, f"{label}: at most {_number(most)} {unit}", grid + "".join(marks), "chart")
    return Markup('<p class="peak">{} {}</p>').format(_number(most), unit) + drawn + _ends(first, last)


def phases(update: DataUpdate) -> Markup:
    """Where the time of one sync went: a bar of parts, each named in its title."""
    spent = dict(update.details.phases) if update.details is not None else {}
    total = sum((part.total_seconds() for part in spent.values()), 0.0)
    if not total:
        return _svg(240, 12, "no phases are known", "", "phases")
    x, marks = 0.0, []
    for number, phase in enumerate(Phase):
        part = spent.get(phase, timedelta(0)).total_seconds()
        if not part:
            continue
        wide = 240 * part / total
        marks.append(
            f'<g class="phase p{number}"><title>{phase}: {span(timedelta(seconds=part))}</title>'
            f'<rect x="{x:.1f}" y="0" width="{wide:.1f}" height="12"/></g>'
        )
        x += wide
    told = ", ".join(f"{phase} {span(spent[phase])}" for phase in Phase if phase in spent)
    return _svg(240, 12, told, "".join(marks), "phases")


def timeline(fresh: Sequence[tuple[datetime, datetime]], first: datetime, now: datetime) -> Markup:
    """Since an instant: when the data was within its limit, as successes prove it (`fresh_spans`), and when it was
    not."""
    clipped = [(max(begin, first), min(end, now)) for begin, end in fresh]
    spans = [(begin, end) for begin, end in clipped if begin < end]
    whole = (now - first).total_seconds() or 1

    def x(at: datetime) -> float:
        return _WIDTH * (at - first).total_seconds() / whole

    marks = [f'<rect class="late" x="0" y="6" width="{_WIDTH}" height="16"><title>not proved fresh</title></rect>']
    for begin, end in spans:
        told = f"fresh from {instant(begin)} to {instant(end)}"
        marks.append(
            f'<rect class="fresh" x="{x(begin):.1f}" y="2" width="{max(x(end) - x(begin), 0.5):.1f}" height="20">'
            f"<title>{told}</title></rect>"
        )
    good = sum((end - begin).total_seconds() for begin, end in spans) / whole
    label = f"proved fresh {good:.1%} of the time since {instant(first)}"
    return _svg(_WIDTH, 24, label, "".join(marks), "timeline") + _ends(first, now)


def _ends(first: datetime, last: datetime) -> Markup:
    """From when to when, below what is drawn over time."""
    return Markup('<p class="ends"><span>{}</span><span>{}</span></p>').format(instant(first), instant(last))


def meter(age: timedelta | None, limit: timedelta | None) -> Markup:
    """How much of its limit an age has used up; the numbers stand beside it. Nothing where one is not known."""
    if age is None or limit is None or not limit:
        return Markup("")
    return _meter(round(_METER * min(max(age / limit, 0.0), 1.0)), over=age > limit)


@lru_cache
def _meter(used: int, *, over: bool) -> Markup:
    return Markup(
        '<svg class="meter{}" viewBox="0 0 {} 6" width="{}" height="6" aria-hidden="true"><rect width="{}" height="6" '
        'rx="3"/><rect class="used" width="{}" height="6" rx="3"/></svg>'
    ).format(" over" if over else "", _METER, _METER, _METER, used)


def fresh_spans(
    updates: Sequence[DataUpdate], limit: timedelta | None, first: datetime = EVER, now: datetime = _NEVER
) -> list[tuple[datetime, datetime]]:
    """When a success, from its end on, proved data that was not older than the limit; in order, none touching. Without
    bounds whenever that was and will have been."""
    if limit is None:
        return []
    found: list[tuple[datetime, datetime]] = []
    for update in sorted(updates, key=lambda one: one.start_dt):
        if update.outcome is not Outcome.SUCCEEDED or update.end_dt is None:
            continue
        begin, end = max(update.end_dt, first), min(update.start_dt + limit, now)
        if end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _took(update: DataUpdate, now: datetime) -> timedelta:
    return max((update.end_dt or now) - update.start_dt, timedelta(0))


def _svg(width: float, height: float, label: str, inside: str, kind: str) -> Markup:
    return Markup(  # noqa: S704 - whatever is not ours in it was escaped where it was written
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(label)}">{inside}</svg>'
    )
