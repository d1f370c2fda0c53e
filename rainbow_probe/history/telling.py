"""Runs and changes in words, for a terminal or a mail: plain lines, whatever stands in a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.history.compare import Change, Comparison, RowChange, Steps
from rainbow_probe.history.store import Run
from rainbow_probe.model import Finding, Need, Report, Row, RowVerdict
from rainbow_probe.report.wording import SEVERITIES, VERDICTS, because, clip, number, some

_TITLES = {
    Change.BROKE: "Got worse",
    Change.HEALED: "Healed",
    Change.UNCLEAR: "Not known any more",
    Change.MOVED: "Moved",
}
_WORDS = {
    Change.BROKE: "got worse",
    Change.HEALED: "healed",
    Change.UNCLEAR: "cannot be told any more",
    Change.MOVED: "moved",
}
_REASON, _SUMMARY, _SERIES, _ID = 160, 100, 30, 60
_FEW = 8


def when(started: str) -> str:
    """Return the time of a run as the clock on the wall shows it; as it stands, if it is no time."""
    try:
        return datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return clip(started, 20)


def listing(runs: Sequence[Run], changes: Mapping[int, str]) -> Iterator[str]:
    """Yield a line a run, newest first, with what changed since the one before it."""
    width = max((len(clip(run.series, _SERIES)) for run in runs), default=0)
    for run in runs:
        verdict = VERDICTS[run.verdict] + (" (interrupted)" if run.interrupted else "")
        told = changes.get(run.id) or clip(run.summary, _SUMMARY)
        yield f"{run.id:>6}  {when(run.started)}  {clip(run.series, _SERIES):{width}}  {verdict:12}  {told}"


def in_short(steps: Steps) -> str:
    """Say what changed in a few words: ``2 rows got worse (desktop/wss, room/fcm); 1 row healed (...)``."""
    parts = [_counted(change, steps[change]) for change in (Change.BROKE, Change.HEALED, Change.UNCLEAR)]
    return "; ".join(filter(None, parts)) or _counted(Change.MOVED, steps[Change.MOVED])


def _counted(change: Change, rows: Sequence[str]) -> str:
    if not rows:
        return ""
    return f"{number(len(rows), 'row')} {_WORDS[change]} ({some((clip(row, _ID) for row in rows), 3)})"


def headline(comparison: Comparison) -> str:
    """Say in one sentence whether it got worse."""
    told = "; ".join(filter(None, [in_short(comparison.steps), *_qualities(comparison)]))
    if comparison.worse:
        return f"Worse than before: {told}."
    if comparison.unclear:
        return f"Whether it is worse than before cannot be told: {told}."
    return f"Not worse than before: {told}." if told else "Nothing changed."


def _qualities(comparison: Comparison) -> Iterator[str]:
    for worse, word in ((True, "worse"), (False, "better")):
        if count := sum(one.worse is worse for one in comparison.quality):
            yield f"{number(count, 'measured value')} {word}"


def title(name: str, report: Report) -> str:
    """Name a run, its time and how it ended."""
    return f"{name} ({when(report.started)}, {VERDICTS[report.verdict]})"


def details(comparison: Comparison, flaky: Mapping[str, int]) -> Iterator[str]:
    """Yield what changed, row by row and finding by finding; rows that come and go are marked."""
    for change, heading in _TITLES.items():
        if rows := comparison.of(change):
            yield from ("", f"{heading} ({len(rows)})")
            for row in rows:
                yield from _row(row, flaky.get(row.after.id, 0))
    yield from _findings("New findings", comparison.new_findings)
    yield from _findings("Findings that are gone", comparison.gone_findings)
    if comparison.quality:
        yield from ("", f"Measured otherwise, beyond chance ({len(comparison.quality)})")
        yield from (clip(f"  {one}", 2 * _REASON) for one in comparison.quality)
    yield from _alone("Only the older run was asked for", comparison.only_before)
    yield from _alone("Only the newer run was asked for", comparison.only_after)


def comings_and_goings(flaky: Mapping[str, int], runs: int) -> Iterator[str]:
    """Yield the rows that come and go within so many *runs*."""
    if flaky:
        yield from ("", f"Rows that come and go (in the last {number(runs, 'run')})")
        yield from (f"  {clip(row, _ID)}: changed {count} times" for row, count in flaky.items())


def _row(row: RowChange, flips: int) -> Iterator[str]:
    step = f"{VERDICTS[row.before.verdict]} -> {VERDICTS[row.after.verdict]}"
    if row.before.verdict is row.after.verdict:
        step = f"{VERDICTS[row.after.verdict]} as before, by {row.after.path} instead of {row.before.path or 'another'}"
    optional = "" if row.after.need is Need.MANDATORY else f" ({row.after.need})"
    often = f" [comes and goes: changed {flips} times lately]" if flips else ""
    yield clip(f"  {row.after.id}{optional}: {step}{often}", _REASON)
    if row.after.verdict is not RowVerdict.PASS and (why := because(row.after)):
        yield clip(f"      {why}", _REASON)


def _findings(heading: str, findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield from ("", f"{heading} ({len(findings)})")
        yield from (clip(f"  {one.id}: {one.title} ({SEVERITIES[one.severity]}; {ACTORS[one.who]})", 2 * _REASON)
                    for one in findings)  # fmt: skip


def _alone(heading: str, rows: Iterable[Row]) -> Iterator[str]:
    ids = [clip(row.id, _ID) for row in rows]
    if ids:
        yield from ("", f"{heading}: {some(ids, _FEW)}")
