"""The report as the output of a Nagios or Icinga plugin: one line with performance data, then the findings.

Statuses and format: the Monitoring Plugins' development guidelines, "Plugin Output for Nagios" and "Performance data".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.language import ENGLISH, Language
from rainbow_probe.measures import Quality
from rainbow_probe.model import Need, Report, RowVerdict
from rainbow_probe.report.layout import by_weight
from rainbow_probe.report.wording import SEVERITIES, plain

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
NAMES = {OK: "OK", WARNING: "WARNING", CRITICAL: "CRITICAL", UNKNOWN: "UNKNOWN"}
_COUNTED = (RowVerdict.PASS, RowVerdict.DEGRADED, RowVerdict.FAIL, RowVerdict.INCONCLUSIVE, RowVerdict.NOT_TESTED)


def status(report: Report, *, strict: bool = False) -> int:
    """Return the plugin's status: degraded is a warning (*strict*: critical), and a run cut short tells failures."""
    needed = {row.verdict for row in report.rows if row.need is not Need.OPTIONAL}
    if RowVerdict.FAIL in needed or (strict and RowVerdict.DEGRADED in needed):
        return CRITICAL
    if report.interrupted or report.verdict in {RowVerdict.INCONCLUSIVE, RowVerdict.NOT_TESTED}:
        return UNKNOWN
    return WARNING if RowVerdict.DEGRADED in needed else OK


def dumps(report: Report, language: Language = ENGLISH, *, strict: bool = False) -> str:
    """Return what the plugin prints."""
    first = f"RAINBOW {NAMES[status(report, strict=strict)]}: {_text(language.said(report.summary))}"
    return "\n".join([f"{first} | {' '.join(_data(report))}", *_findings(report, language)]) + "\n"


def complaint(message: str) -> str:
    """Return what the plugin prints when it could not run: a server must not take wrong use for a fault."""
    return f"RAINBOW {NAMES[UNKNOWN]}: {_text(message)}"


def _findings(report: Report, language: Language) -> Iterator[str]:
    for finding in by_weight(report.findings):
        severity, title = language.say(SEVERITIES[finding.severity]), language.said(finding.title)
        who, fix = language.say(ACTORS[finding.who]), language.said(finding.fix)
        yield _text(f"{severity}: {title} ({who}): {fix}")


def _data(report: Report) -> Iterator[str]:
    rows = Counter(row.verdict for row in report.rows)
    for verdict in _COUNTED:
        yield f"rows_{verdict.replace('-', '_')}={rows[verdict]};;;0;{len(report.rows)}"
    yield f"time={report.duration:.3f}s;;;0"
    measured = (result.verdict.measured for result in report.results)
    for place, quality in enumerate((one for one in measured if isinstance(one, Quality)), 1):
        yield f"loss_{place}={quality.loss_percent.value:.3f}%;;;0;100"
        yield f"jitter_{place}={quality.jitter_ms.value:.3f}ms;;;0"
        yield f"delay_{place}={quality.delay_ms.value:.3f}ms;;;0"


def _text(value: str) -> str:
    """Return *value* on one line, without the bar that begins performance data."""
    return plain(value).replace("|", "¦")
