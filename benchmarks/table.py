"""The results as a Markdown table, and its place in the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from measuring import Ratio

BEGIN = "<!-- benchmarks:begin -->"
END = "<!-- benchmarks:end -->"
_HEAD = ("what", "stepengine", "peer", "", "ratio", "of CPU time", "goal")


class Row(NamedTuple):
    """One comparison.

    Attributes:
        what: What was done.
        peer: Who else did it.
        ours: Our cost, as text.
        theirs: The peer's.
        compared: Ours by the peer's.
        cpu: The same of the CPU time; None where what is compared is no time.
        goal: What is wanted; empty where nothing is.
    """

    what: str
    peer: str
    ours: str
    theirs: str
    compared: Ratio
    cpu: Ratio | None
    goal: str


def seconds(value: float) -> str:
    """Give a time with two or three figures."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * factor >= 1:
            return f"{value * factor:.{2 if value * factor < 10 else 0}f} {unit}"
    return f"{value * 1e6:.2f} µs"


def memory(mebibytes: float) -> str:
    """Give an amount of memory."""
    return f"{mebibytes:.1f} MiB"


def render_table(rows: Iterable[Row]) -> str:
    """Give the rows as a Markdown table; the quartiles of a ratio stand in brackets."""
    lines = [_line(_HEAD), _line(["---", "---:", "---", "---:", "---:", "---:", "---"])]
    lines += [
        _line((row.what, row.ours, row.peer, row.theirs, _ratio(row.compared), _ratio(row.cpu), row.goal))
        for row in rows
    ]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    if ratio.low == ratio.high:
        return f"{ratio.median:.3g}"
    return f"{ratio.median:.3g} ({ratio.low:.3g} to {ratio.high:.3g})"


def update_text(text: str, table: str) -> str:
    """Give a text with the table between its two markers.

    Raises:
        ValueError: it has no such markers.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the text lacks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
