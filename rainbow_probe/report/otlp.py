"""The report for an OpenTelemetry collector, by its SDK, an extra: a run is a trace, a check a span with its steps.

Sent over OTLP/HTTP; headers, certificates and time limits come from the standard's own variables
(``OTEL_EXPORTER_OTLP_HEADERS`` and others), so that no secret is an argument. Checks have no common clock but the
run's: each span begins with the run, for all checks start at once, and its steps lie in it as they did.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rainbow_probe.measures import PortSurvey, Quality, Ramp
from rainbow_probe.model import Outcome, Report, Result, RowVerdict, Scalar, Severity, Step
from rainbow_probe.options import UsageError
from rainbow_probe.report.wording import plain

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Span, Tracer

MISSING = "--otlp needs the extra 'otlp': pip install 'rainbow-probe[otlp]'"
SERVICE = "rainbow-probe"
_SECOND = 10**9  # in nanoseconds, which OpenTelemetry counts in


def check() -> None:
    """Raise ``UsageError`` where the SDK is not there."""
    try:
        importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as exc:
        raise UsageError(MISSING) from exc


def send(report: Report, url: str) -> None:
    """Send *report* to the collector at *url*, as in ``http://localhost:4318``; raises ``UsageError`` if it fails."""
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create({
        "service.name": SERVICE,
        "service.version": plain(report.version),
        "host.name": plain(report.site.hostname),
        "rainbow.site": plain(report.site.name),
    })
    sent = {"traces": _send_traces(report, url, resource), "metrics": _send_metrics(report, url, resource)}
    if lost := [name for name, arrived in sent.items() if not arrived]:
        raise UsageError(f"--otlp {url}: the collector did not take the {' and '.join(lost)}")


def _send_traces(report: Report, url: str, resource: Resource) -> bool:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=resource, sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    _trace(report, provider.get_tracer(SERVICE, report.version))
    exporter: Any = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces")  # its types are not whole
    try:
        return bool(exporter.export(kept.get_finished_spans()) is SpanExportResult.SUCCESS)
    finally:
        exporter.shutdown()


def _trace(report: Report, tracer: Tracer) -> None:
    from opentelemetry.trace import set_span_in_context

    begun = _nanoseconds(report.started)
    told = {"rainbow.verdict": report.verdict.value, "rainbow.summary": report.summary}
    about = {"rainbow.guide": report.guide_id, "rainbow.edition": report.guide_edition}
    run = tracer.start_span(f"{SERVICE} run", start_time=begun, attributes=_plain({**told, **about}))
    _status(run, failed=report.verdict is RowVerdict.FAIL, why=report.summary)
    for result in report.results:
        span = tracer.start_span(
            result.flow.kind, set_span_in_context(run), start_time=begun, attributes=_plain(_of_check(result))
        )
        _status(span, failed=result.verdict.outcome is Outcome.FAIL, why=result.verdict.reason)
        for step in result.steps:
            _step(step, tracer, span, begun)
        span.end(begun + int(result.took * _SECOND))
    run.end(begun + int(report.duration * _SECOND))


def _step(step: Step, tracer: Tracer, span: Span, begun: int) -> None:
    from opentelemetry.trace import set_span_in_context

    start = begun + int(step.at * _SECOND)
    facts = {f"rainbow.fact.{key}": value for key, value in step.facts.items()}
    about = _plain({"rainbow.subject": step.subject, **facts})
    below = tracer.start_span(step.phase.value, set_span_in_context(span), start_time=start, attributes=about)
    _status(below, failed=step.failure is not None, why=str(step.failure or ""))
    below.end(start + int(step.took * _SECOND))


def _status(span: Span, *, failed: bool, why: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    if failed:
        span.set_status(Status(StatusCode.ERROR, plain(why)))


def _of_check(result: Result) -> dict[str, Scalar]:
    flow, failure = result.flow, result.verdict.failure
    return {
        "rainbow.check": flow.id,
        "rainbow.via": flow.via.value,
        "rainbow.outcome": result.verdict.outcome.value,
        "rainbow.reason": result.verdict.reason,
        "server.address": flow.target.host,
        "server.port": flow.target.port,
        "network.transport": flow.transport.value,
        **({"rainbow.phase": failure.phase.value, "error.type": failure.cause.value} if failure else {}),
    }


def _plain(values: Mapping[str, Scalar]) -> dict[str, str | int | float | bool]:
    shown = {plain(key): plain(one) if isinstance(one, str) else one for key, one in values.items()}
    return {key: one for key, one in shown.items() if one is not None}


def _nanoseconds(iso: str) -> int:
    try:
        return int(datetime.fromisoformat(iso).timestamp()) * _SECOND
    except ValueError:  # a stored report may say anything
        return 0


def _send_metrics(report: Report, url: str, resource: Resource) -> bool:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter(SERVICE, report.version)
    for name, unit, value, about in _figures(report):
        meter.create_gauge(name, unit).set(value, about)
    data = reader.get_metrics_data()
    exporter: Any = OTLPMetricExporter(endpoint=f"{url.rstrip('/')}/v1/metrics")  # its types are not whole
    try:
        return data is not None and exporter.export(data) is MetricExportResult.SUCCESS
    finally:
        exporter.shutdown()
        provider.shutdown()


def _figures(report: Report) -> Iterator[tuple[str, str, float, dict[str, str]]]:
    """Yield every figure: its name, its unit (UCUM), its value, and what it is a figure of."""
    yield "rainbow.run.duration", "s", report.duration, {}
    for verdict in RowVerdict:
        count = sum(row.verdict is verdict for row in report.rows)
        yield "rainbow.rows", "{row}", count, {"rainbow.verdict": verdict.value}
    for severity in Severity:
        count = sum(finding.severity is severity for finding in report.findings)
        yield "rainbow.findings", "{finding}", count, {"rainbow.severity": severity.value}
    for result in report.results:
        about = {"rainbow.check": plain(result.flow.id), "rainbow.outcome": result.verdict.outcome.value}
        yield "rainbow.check.duration", "s", result.took, about
        yield from ((name, unit, value, about) for name, unit, value in _measured(result))


def _measured(result: Result) -> Iterator[tuple[str, str, float]]:
    match result.verdict.measured:
        case Quality() as quality:
            yield "rainbow.stream.loss", "1", quality.loss_percent.value / 100
            yield "rainbow.stream.jitter", "s", quality.jitter_ms.value / 1000
            yield "rainbow.stream.delay", "s", quality.delay_ms.value / 1000
            yield "rainbow.stream.mos", "1", quality.mos
        case PortSurvey() as survey:
            yield "rainbow.ports.closed", "1", survey.closed_percent.value / 100
        case Ramp() as ramp:
            yield "rainbow.capacity", "By/s", ramp.capacity_kbit_s * 125
        case None:
            return
