"""Tables and text for a terminal: columns shared out fairly, no borders, no blanks at the ends of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

GAP = 2
LONGEST_WORD = 30  # columns; a longer one, such as a domain name of many labels, may be broken


def put(console: Console, part: RenderableType) -> None:
    """Print *part* without the padding that gets in the way when text is copied or a window made narrower."""
    console.print(Segments(_trimmed(console.render(part))), end="", crop=False)


def indented(body: RenderableType, by: int = GAP) -> Padding:
    """Move *body* to the right."""
    return Padding(body, (0, 0, 0, by))


def columns(told: Mapping[str, Sequence[Text]], room: int, *, fixed: int = 1, titles: bool = True) -> Table:
    """Lay the cells of each titled column out in *room* columns; the first *fixed* keep the width they want."""
    grid = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim", show_header=titles)
    shown = [[Text(title), *cells] if titles else cells for title, cells in told.items()]
    for title, width in zip(told, widths(shown, room, fixed), strict=True):
        grid.add_column(title, width=width, overflow="fold")
    for cells in zip(*told.values(), strict=True):
        grid.add_row(*cells)
    return grid


def widths(told: Sequence[Sequence[Text]], room: int, fixed: int) -> list[int]:
    """Share *room* out: the widest column gives way first, a whole word last of all, a *fixed* column never."""
    wanted = [max((cell.cell_len for cell in cells), default=1) for cells in told]
    least = [_longest_word(cells) for cells in told]
    over = sum(wanted) + GAP * (len(wanted) - 1) - room
    for _ in range(max(0, over)):
        free = range(fixed, len(wanted))
        place = max(free, key=lambda p: (wanted[p] > least[p], wanted[p]), default=0)
        wanted[place] = max(1, wanted[place] - 1)
    return wanted


def _longest_word(cells: Iterable[Text]) -> int:
    longest = max((cell_len(word) for cell in cells for word in cell.plain.split()), default=1)
    return min(longest, LONGEST_WORD)


def _trimmed(segments: Iterable[Segment]) -> Iterator[Segment]:
    for line in Segment.split_lines(segments):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            yield from line[:-1]
            yield Segment(line[-1].text.rstrip(), line[-1].style)
        yield Segment.line()
