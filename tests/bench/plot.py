"""The plot of docs/benchmarks.md: bars with their spread, as SVG that is readable on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.bench.contenders import CONTENDERS, FLOOR, Contender
from tests.bench.results import FULL_SPEED, KEEPS, Case, Results, Spread, kept

_WIDTH, _LEFT, _RIGHT = 880, 330, 170
_BAR, _GAP, _HEAD = 14, 6, 40
_STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .head { font-weight: 600; font-size: 13px }
  .collector { fill: #8b949e } .errorplane { fill: #1a7f6e } .floor { fill: none; stroke: #8b949e; stroke-dasharray: 3 2 }
  .spread { stroke: #24292f; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .errorplane { fill: #3fb9a2 } .spread { stroke: #e6edf3 }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it is called, whose it is, how long."""

    label: str
    kind: str
    spread: Spread


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one unit below a heading."""

    title: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        """In pixels."""
        return _HEAD + len(self.bars) * (_BAR + _GAP)


def plot(results: Results) -> str:
    """CPU per span for each share kept, spans per second and memory per buffered span at 1 %; an SVG document."""
    panels = [
        Panel("CPU per span, microseconds (less is better)", list(_cpu(results))),
        Panel("Spans per second at full speed, 1 % kept (more is better)", list(_at_one(results, "spans_per_s"))),
        Panel(
            "Peak memory per buffered span, bytes, 1 % kept (less is better)", list(_at_one(results, "bytes_per_span"))
        ),
    ]
    panels = [panel for panel in panels if panel.bars]
    body: list[str] = []
    top = 0
    for panel in panels:
        body += _drawn(panel, top)
        top += panel.height
    title = "errorplane and the OpenTelemetry Collector, measured in one run: median, and the extremes of the rounds"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 8}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n" + "\n".join(body) + "\n</svg>\n"
    )


def _cpu(results: Results) -> Iterator[Bar]:
    for keep in KEEPS:
        for who in CONTENDERS:
            yield from _bar(results, who, keep, "cpu_us", f"{who.title}, {kept(keep)}")
    yield from _bar(results, FLOOR, None, "cpu_us", "floor (receive, scan, walk, compress)")


def _at_one(results: Results, name: str) -> Iterator[Bar]:
    for who in CONTENDERS:
        yield from _bar(results, who, KEEPS[0], name, who.title)


def _bar(results: Results, who: Contender, keep: float | None, name: str, label: str) -> Iterator[Bar]:
    spread = results.spread(Case(FULL_SPEED, who.name, keep), name)
    if spread is not None:
        yield Bar(label, who.kind, spread)


def _drawn(panel: Panel, top: int) -> Iterator[str]:
    yield f'<text class="head" x="8" y="{top + 24}">{escape(panel.title)}</text>'
    scale = (_WIDTH - _LEFT - _RIGHT) / max(bar.spread.high for bar in panel.bars)
    for number, bar in enumerate(panel.bars):
        y = top + _HEAD + number * (_BAR + _GAP)
        low, middle, high = (
            round(_LEFT + value * scale, 1) for value in (bar.spread.low, bar.spread.median, bar.spread.high)
        )
        form = ",.1f" if bar.spread.median < 1000 else ",.0f"
        yield f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(bar.label)}</text>'
        yield f'<rect class="{bar.kind}" x="{_LEFT}" y="{y}" width="{max(middle - _LEFT, 0.5):.1f}" height="{_BAR}"/>'
        yield f'<line class="spread" x1="{low}" x2="{high}" y1="{y + _BAR / 2:g}" y2="{y + _BAR / 2:g}"/>'
        yield f'<text x="{high + 8:.1f}" y="{y + 11}">{bar.spread.text(form)}</text>'
