"""Runs and changes in words, for a terminal or a mail: plain lines, whatever stands in a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.history.compare import Change, Comparison, RowChange, Steps
from rainbow_probe.history.quality import QualityChange
from rainbow_probe.history.store import Run
from rainbow_probe.language import ENGLISH, Language, later
from rainbow_probe.model import Finding, Need, Report, Row, RowVerdict
from rainbow_probe.report.wording import NEEDS, SEVERITIES, VERDICTS, because, clip

_TITLES = {
    Change.BROKE: later("Got worse"),
    Change.HEALED: later("Healed"),
    Change.UNCLEAR: later("Not known any more"),
    Change.MOVED: later("Moved"),
}
_ONE = {
    Change.BROKE: later("{count} row got worse ({rows})"),
    Change.HEALED: later("{count} row healed ({rows})"),
    Change.UNCLEAR: later("{count} row cannot be told any more ({rows})"),
    Change.MOVED: later("{count} row moved ({rows})"),
}
_SEVERAL = {
    Change.BROKE: later("{count} rows got worse ({rows})"),
    Change.HEALED: later("{count} rows healed ({rows})"),
    Change.UNCLEAR: later("{count} rows cannot be told any more ({rows})"),
    Change.MOVED: later("{count} rows moved ({rows})"),
}
_MEASURED = {
    "loss": later("loss"),
    "jitter": later("jitter"),
    "delay": later("delay"),
    "closed ports": later("closed ports"),
    "capacity": later("capacity"),
}
_REASON, _SUMMARY, _SERIES, _ID = 160, 100, 30, 60
_FEW, _NAMED = 8, 3


def when(started: str) -> str:
    """Return the time of a run as the clock on the wall shows it; as it stands, if it is no time."""
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return clip(started, 20)


def listing(runs: Sequence[Run], changes: Mapping[int, str], language: Language = ENGLISH) -> Iterator[str]:
    """Yield a line a run, newest first, with what changed since the one before it."""
    width = max((len(clip(run.series, _SERIES)) for run in runs), default=0)
    for run in runs:
        interrupted = f" ({language.say('interrupted')})" if run.interrupted else ""
        verdict = language.say(VERDICTS[run.verdict]) + interrupted
        told = changes.get(run.id) or clip(language.said(run.summary), _SUMMARY)
        yield f"{run.id:>6}  {when(run.started)}  {clip(run.series, _SERIES):{width}}  {verdict:12}  {told}"


def in_short(steps: Steps, language: Language = ENGLISH) -> str:
    """Say what changed in a few words: ``2 rows got worse (desktop/wss, room/fcm); 1 row healed (...)``."""
    parts = [_counted(change, steps[change], language) for change in (Change.BROKE, Change.HEALED, Change.UNCLEAR)]
    return "; ".join(filter(None, parts)) or _counted(Change.MOVED, steps[Change.MOVED], language)


def _counted(change: Change, rows: Sequence[str], language: Language) -> str:
    if not rows:
        return ""
    text = (_ONE if len(rows) == 1 else _SEVERAL)[change]
    return language.say(text, count=len(rows), rows=_some([clip(row, _ID) for row in rows], _NAMED, language))


def _some(items: Sequence[str], most: int, language: Language) -> str:
    left = len(items) - most
    shown = ", ".join(items[:most])
    return language.say("{shown} and {left} more", shown=shown, left=left) if left > 0 else shown


def headline(comparison: Comparison, language: Language = ENGLISH) -> str:
    """Say in one sentence whether it got worse."""
    told = "; ".join(filter(None, [in_short(comparison.steps, language), *_qualities(comparison, language)]))
    if comparison.worse:
        return language.say("Worse than before: {told}.", told=told)
    if comparison.unclear:
        return language.say("Whether it is worse than before cannot be told: {told}.", told=told)
    return language.say("Not worse than before: {told}.", told=told) if told else language.say("Nothing changed.")


def _qualities(comparison: Comparison, language: Language) -> Iterator[str]:
    worse = sum(one.worse for one in comparison.quality)
    better = len(comparison.quality) - worse
    if worse:
        yield language.say(
            "{count} measured value worse" if worse == 1 else "{count} measured values worse", count=worse
        )
    if better:
        yield language.say(
            "{count} measured value better" if better == 1 else "{count} measured values better", count=better
        )


def title(name: str, report: Report, language: Language = ENGLISH) -> str:
    """Name a run, its time and how it ended."""
    return f"{name} ({when(report.started)}, {language.say(VERDICTS[report.verdict])})"


def details(comparison: Comparison, flaky: Mapping[str, int], language: Language = ENGLISH) -> Iterator[str]:
    """Yield what changed, row by row and finding by finding; rows that come and go are marked."""
    for change, heading in _TITLES.items():
        if rows := comparison.of(change):
            yield from ("", f"{language.say(heading)} ({len(rows)})")
            for row in rows:
                yield from _row(row, flaky.get(row.after.id, 0), language)
    yield from _findings(language.say("New findings"), comparison.new_findings, language)
    yield from _findings(language.say("Findings that are gone"), comparison.gone_findings, language)
    if comparison.quality:
        yield from ("", language.say("Measured otherwise, beyond chance ({count})", count=len(comparison.quality)))
        yield from (clip(f"  {_quality(one, language)}", 2 * _REASON) for one in comparison.quality)
    yield from _alone(language.say("Only the older run was asked for"), comparison.only_before, language)
    yield from _alone(language.say("Only the newer run was asked for"), comparison.only_after, language)


def comings_and_goings(flaky: Mapping[str, int], runs: int, language: Language = ENGLISH) -> Iterator[str]:
    """Yield the rows that come and go within so many *runs*."""
    if flaky:
        yield from ("", language.say("Rows that come and go (in the last {runs} runs)", runs=runs))
    for row, count in flaky.items():
        yield f"  {language.say('{row}: changed {count} times', row=clip(row, _ID), count=count)}"


def _row(row: RowChange, flips: int, language: Language) -> Iterator[str]:
    before, after = (language.say(VERDICTS[one.verdict]) for one in (row.before, row.after))
    step = f"{before} -> {after}"
    if row.before.verdict is row.after.verdict:
        step = language.say("{verdict} as before, by {path} instead of {other}", verdict=after,
            path=row.after.path, other=row.before.path or language.say("another"))  # fmt: skip
    optional = "" if row.after.need is Need.MANDATORY else f" ({language.say(NEEDS[row.after.need])})"
    often = f" [{language.say('comes and goes: changed {flips} times lately', flips=flips)}]" if flips else ""
    yield clip(f"  {row.after.id}{optional}: {step}{often}", _REASON)
    if row.after.verdict is not RowVerdict.PASS and (why := because(row.after)):
        yield clip(f"      {language.said(why)}", _REASON)


def _findings(heading: str, findings: Sequence[Finding], language: Language) -> Iterator[str]:
    if findings:
        yield from ("", f"{heading} ({len(findings)})")
        for one in findings:
            weight, who = language.say(SEVERITIES[one.severity]), language.say(ACTORS[one.who])
            yield clip(f"  {one.id}: {language.said(one.title)} ({weight}; {who})", 2 * _REASON)


def _quality(one: QualityChange, language: Language) -> str:
    before, after = language.said(one.before), language.said(one.after)
    better = language.say("worse") if one.worse else language.say("better")
    return f"{one.check}: {language.say(_MEASURED[one.what])} {before} -> {after} ({better})"


def _alone(heading: str, rows: Iterable[Row], language: Language) -> Iterator[str]:
    ids = [clip(row.id, _ID) for row in rows]
    if ids:
        yield from ("", f"{heading}: {_some(ids, _FEW, language)}")
