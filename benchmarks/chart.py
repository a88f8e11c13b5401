"""One chart as SVG, by hand: bars of what a request costs beside a bare Django."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH, LEFT, ROW, BAR = 760, 190, 18, 12
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 13px; }
  .note { fill: #59636e; font-size: 11px; }
  .ours { fill: #1a7f5a; } .peer { fill: #8c959f; } .one { stroke: #59636e; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #9198a1; }
    .ours { fill: #3fb68b; } .peer { fill: #6e7681; } .one { stroke: #9198a1; }
  }
"""

Panel = tuple[str, Sequence[tuple[str, float, bool]]]
"""A title, and bars: who, how many times a bare Django, ours or not; least first."""


def draw(panels: Sequence[Panel], caption: str) -> str:
    """Return the chart."""
    parts: list[str] = []
    y = 34
    for title, bars in panels:
        parts.append(f'<text class="title" x="8" y="{y}">{escape(title)}</text>')
        y += 8
        most = max(value for _, value, _ in bars)
        room = WIDTH - LEFT - 70
        end = y + ROW * len(bars)
        one = LEFT + room / most
        parts.append(f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{y}" y2="{end + 4}"/>')
        for who, value, ours in bars:
            length = max(1.0, room * value / most)
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + BAR + 1}" text-anchor="end">{escape(who)}</text>'
                f'<rect class="{"ours" if ours else "peer"}" x="{LEFT}" y="{y + 3}" rx="2"'
                f' width="{length:.1f}" height="{BAR}"/>'
                f'<text x="{LEFT + length + 6:.1f}" y="{y + BAR + 1}">{value:.2f}</text>'
            )
            y += ROW
        y += 30
    height = y - 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' aria-label="{escape(caption)}">\n<style>{STYLE}</style>\n'
        f'<text class="note" x="8" y="14">{escape(caption)}</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
