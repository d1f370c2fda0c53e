"""What ``rainbow-probe explain`` says: one word in, one page of text out."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rainbow_probe.catalogue import Guide
from rainbow_probe.explain.failures import explain_cause, explain_failure, explain_finding, explain_kind, explain_phase
from rainbow_probe.explain.layout import columns, page, titled
from rainbow_probe.explain.rows import explain_row
from rainbow_probe.explanations import FINDINGS, explained
from rainbow_probe.explanations.findings import named
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.options import UsageError
from rainbow_probe.terms import Cause, Phase

MOST_MATCHES = 5
SEEN = "seen-"


def explain(word: str, guide: Guide, language: Language = ENGLISH) -> str:
    """Explain the row, cause, finding or phase *word* in *language*, as far as it has words for it.

    Raises ``UsageError`` with the closest words for another.
    """
    asked = word.strip()
    if told := list(_told(asked, guide, language)) or list(_told(asked.lower(), guide, language)):
        return page(*told)
    close = get_close_matches(word.lower(), words(guide), n=MOST_MATCHES, cutoff=0.5)
    near = f"; did you mean {', '.join(close)}?" if close else "; 'rainbow-probe explain' lists what can be asked"
    raise UsageError(f"explain {word!r}: no such row, cause or finding{near}")


def _told(word: str, guide: Guide, language: Language) -> Iterator[str]:
    """Give every explanation of *word*: some findings are named after a cause."""
    yield from (explain_row(row, guide, language) for row in guide.rows if row.id == word)
    if name := named(word):
        yield explain_finding(name, word, language)
    yield from (explain_kind(kind, language) for kind in KINDS if kind == word)
    yield from (explain_phase(phase, language) for phase in Phase if phase == word)
    yield from (explain_cause(cause, language) for cause in Cause if cause == word)
    yield from (explain_failure(*pair, language) for pair in _pairs() if _names(word, *pair))


def _names(word: str, phase: Phase, cause: Cause) -> bool:
    """Tell whether *word* is that failure, or a finding that only repeats it."""
    return word == f"{phase}/{cause}" or word.startswith(f"{SEEN}{phase}-{cause}-")


def _pairs() -> Iterator[tuple[Phase, Cause]]:
    return ((phase, cause) for phase in Phase for cause in Cause if explained(phase, cause))


def words(guide: Guide) -> list[str]:
    """Return everything that can be asked."""
    failures = [f"{phase}/{cause}" for phase, cause in _pairs()]
    return [*(row.id for row in guide.rows), *FINDINGS, *KINDS, *Cause, *Phase, *failures]


def overview(guide: Guide, language: Language = ENGLISH) -> str:
    """List what can be asked."""
    say = language.say
    return page(
        titled("rainbow-probe explain WORD", say("WORD is one of these, or PHASE/CAUSE as in connect/timeout.")),
        titled(say("Rows of the guide")) + "\n" + columns(row.id for row in guide.rows),
        titled(say("Findings"), say("PORT stands for a number.")) + "\n" + columns(FINDINGS),
        titled(say("Kinds of checks")) + "\n" + columns(KINDS),
        titled(say("Causes")) + "\n" + columns(Cause),
        titled(say("Phases")) + "\n" + columns(Phase),
    )
