"""What ``rainbow-probe list`` says: a line a row of the guide."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rainbow_probe.catalogue import Guide, RowSpec
from rainbow_probe.language import Language


def listing(guide: Guide, clients: Collection[str], language: Language) -> Iterator[str]:
    """Yield a line for each row of *clients* (of all, if none is named): id, section, need, title, what tests it."""
    rows = [row for row in guide.rows if not clients or row.client in clients]
    width, needs = (
        max(map(len, told)) for told in ([row.id for row in rows], [language.say(row.need) for row in rows])
    )
    for row in rows:
        told = f"{language.say(row.need):{needs}}  {language.whole(row.title)}  [{_tested(row, language)}]"
        yield f"{row.id:{width}}  {row.section:5} {told}"


def _tested(row: RowSpec, language: Language) -> str:
    if row.ways:
        return language.say(" then ").join(language.whole(way.name) for way in row.ways)
    return language.say("a sum of other rows") if row.sections else language.say("not tested yet")
