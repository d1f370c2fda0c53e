"""The report in the text format of Prometheus, for the textfile collector of its node exporter.

Names and units follow "Metric and label naming" of Prometheus' documentation: base units, ratios from 0 to 1. A verdict
is one series a state, 1 for the one that holds; what could not be told of a check is neither 1 nor 0, but missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rainbow_probe.measures import PortSurvey, Quality, Ramp
from rainbow_probe.model import Finding, Outcome, Phase, Report, Result, Row, RowVerdict, Severity
from rainbow_probe.report.wording import plain

PREFIX = "rainbow_probe_"
_BYTES = 125  # a kilobit a second, in bytes a second
_TOLD = {Outcome.PASS: 1, Outcome.FAIL: 0}

T = TypeVar("T", Row, Finding)
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    name: str
    help: str
    samples: Iterable[Sample]


def dumps(report: Report) -> str:
    """Return the metrics; a metric without a sample is left out."""
    return "".join(_written(metric) for metric in (*_of_the_run(report), *_of_checks(report), *_measured(report)))


def _written(metric: _Metric) -> str:
    name = PREFIX + metric.name
    lines = [f"{name}{_labels(labels)} {value:.17g}\n" for labels, value in metric.samples]
    return f"# HELP {name} {metric.help}\n# TYPE {name} gauge\n{''.join(lines)}" if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return plain(value).replace("\\", "\\\\").replace('"', '\\"')


def _states(verdict: RowVerdict, labels: Mapping[str, str]) -> Iterator[Sample]:
    yield from (({**labels, "verdict": state.value}, float(state is verdict)) for state in RowVerdict)


def _of_the_run(report: Report) -> Iterator[_Metric]:
    about = {"version": report.version, "guide": report.guide_id, "edition": report.guide_edition}
    site = {"site": report.site.name} if report.site.name else {}
    severities = Counter(finding.severity for finding in report.findings)
    yield _Metric(name="info", help="The version of the probe and the edition of the guide.", samples=[(about, 1)])
    yield _Metric(name="run_start_time_seconds", help="When the run began.", samples=_start(report))
    yield _Metric(name="run_duration_seconds", help="How long the run took.", samples=[({}, report.duration)])
    yield _Metric(name="verdict", help="The verdict of the run.", samples=_states(report.verdict, site))
    yield _Metric(
        name="client_verdict",
        help="The verdict of a client kind.",
        samples=[one for each in report.clients for one in _states(each.verdict, {"client": each.id})],
    )
    yield _Metric(
        name="row_verdict",
        help="The verdict of a row of the guide.",
        samples=[
            one for row in _unique(report.rows) for one in _states(row.verdict, {"row": row.id, "need": row.need})
        ],
    )
    yield _Metric(
        name="findings",
        help="How many findings there are.",
        samples=[({"severity": severity.value}, severities[severity]) for severity in Severity],
    )
    yield _Metric(
        name="finding",
        help="A finding that there is, and who must act.",
        samples=[({"finding": f.id, "severity": f.severity, "who": f.who}, 1) for f in _unique(report.findings)],
    )


def _start(report: Report) -> list[Sample]:
    try:
        return [({}, datetime.fromisoformat(report.started).timestamp())]
    except ValueError:  # a stored report may say anything
        return []


def _of_checks(report: Report) -> Iterator[_Metric]:
    checks = [(result, {"check": result.flow.id, **_target(result)}) for result in _results(report)]
    yield _Metric(
        name="check_success",
        help="Whether a check passed; missing where it could not be told.",
        samples=[(of, _TOLD[one.verdict.outcome]) for one, of in checks if one.verdict.outcome in _TOLD],
    )
    yield _Metric(
        name="check_duration_seconds",
        help="How long a check took.",
        samples=[(of, one.took) for one, of in checks if one.verdict.outcome is not Outcome.SKIPPED],
    )
    yield _Metric(
        name="certificate_not_after_timestamp_seconds",
        help="When the certificate that was shown ends.",
        samples=[(of, end) for one, of in checks for end in _ends(one)],
    )


def _results(report: Report) -> list[Result]:
    return list({result.flow.id: result for result in report.results}.values())


def _unique(items: Iterable[T]) -> list[T]:
    return list({plain(item.id): item for item in items}.values())


def _target(result: Result) -> dict[str, str]:
    flow = result.flow
    about = {"kind": flow.kind, "host": flow.target.host, "port": str(flow.target.port)}
    return {**about, "transport": flow.transport.value, "via": flow.via.value}


def _ends(result: Result) -> list[float]:
    """Return when the first certificate of a check ends, if one was seen."""
    told = (step.facts.get("not_after") for step in result.steps if step.phase is Phase.TLS)
    for end in told:
        try:
            return [datetime.fromisoformat(str(end)).timestamp()]
        except (ValueError, OverflowError):
            continue
    return []


_STREAMS: tuple[tuple[str, str, Callable[[Quality], float]], ...] = (
    ("stream_loss_ratio", "Packets lost, of those sent.", lambda one: one.loss_percent.value / 100),
    ("stream_jitter_seconds", "Jitter as RFC 3550 has it.", lambda one: one.jitter_ms.value / 1000),
    ("stream_delay_seconds", "Delay, one way.", lambda one: one.delay_ms.value / 1000),
    ("stream_mos", "Mean opinion score, 1 to 5.", lambda one: one.mos),
)


def _measured(report: Report) -> Iterator[_Metric]:
    found = [(result.verdict.measured, result.flow.id) for result in _results(report)]
    streams = [(one, _stream(one, check)) for one, check in found if isinstance(one, Quality)]
    for name, text, value in _STREAMS:
        yield _Metric(name=name, help=text, samples=[(labels, value(one)) for one, labels in streams])
    yield _Metric(
        name="ports_closed_ratio",
        help="The share of a range of ports that is closed.",
        samples=[
            ({"check": check, "ports": f"{one.first}-{one.last}"}, one.closed_percent.value / 100)
            for one, check in found
            if isinstance(one, PortSurvey)
        ],
    )
    yield _Metric(
        name="capacity_bytes_per_second",
        help="What the path was seen to carry.",
        samples=[
            ({"check": check, "direction": one.direction.value}, one.capacity_kbit_s * _BYTES)
            for one, check in found
            if isinstance(one, Ramp)
        ],
    )


def _stream(one: Quality, check: str) -> dict[str, str]:
    return {"check": check, "codec": one.codec, "direction": one.direction.value}
