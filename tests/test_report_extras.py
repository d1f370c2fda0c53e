"""What takes packages that are not always there: the report on paper, and for an OpenTelemetry collector."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from rainbow_probe.options import UsageError
from rainbow_probe.report import as_json, as_pdf, otlp
from tests import report_samples as samples
from tests.commands import command
from tests.test_report_formats import measured

READER = shutil.which("pdftotext")


def read(path: Path) -> tuple[int, str]:
    """Return the number of pages of a PDF, and its words, one blank between them."""
    about = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607 - a fixed command
    assert "(A4)" in about
    text = subprocess.run([str(READER), str(path), "-"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - a fixed command
    return int(about.split("Pages:")[1].split()[0]), " ".join(text.split())


@pytest.mark.skipif(READER is None, reason="pdftotext is missing: run tests/setup.sh")
def test_the_report_on_paper(tmp_path: Path) -> None:
    """By the command, from a stored run: few numbered pages of A4 with verdict, findings, rules and rows, in French."""
    stored, path = tmp_path / "run.json", tmp_path / "report.pdf"
    stored.write_text(as_json.dumps(samples.broken_site()))
    ended = command("report", str(stored), "--quiet", "--lang", "fr", "--pdf", str(path))
    assert (ended.status, ended.err) == (0, "")
    pages, text = read(path)
    assert 4 <= pages <= 8
    assert f"{pages}/{pages}" in text.replace(" ", "")
    for part in ("ÉCHEC", "Constats (4)", "À coller (nftables)", "counter accept", "Lignes du guide", "lab-laptop"):
        assert part in text


def test_a_hostile_report_on_paper_fetches_nothing() -> None:
    """Whatever it holds, it becomes pages; what would be fetched is refused."""
    report = samples.hostile()
    few = replace(report, rows=report.rows[:3], results=report.results[:3], findings=report.findings[:1])
    assert as_pdf.render(few).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("package", "check"),
    [("weasyprint", as_pdf.check), ("opentelemetry.exporter.otlp.proto.http.trace_exporter", otlp.check)],
)
def test_a_missing_extra_is_named(package: str, check: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it, before anything is tried."""
    check()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match="pip install 'rainbow-probe"):
        check()


@contextmanager
def collector(status: int = 200) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Listen on loopback as a collector does; give its address, and what came, by path."""
    came: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", came
        finally:
            server.shutdown()
            thread.join()


def attributes(of: Span | NumberDataPoint | Resource) -> dict[str, object]:
    """Return the attributes of a span, a point or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in of.attributes}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what goes to loopback away from this machine's proxies."""
    monkeypatch.setenv("NO_PROXY", "*")


def test_a_run_is_a_trace_and_its_figures_are_metrics() -> None:
    """A check is a span of the run, a step one of the check; times, failures and facts are as reported."""
    report = measured()
    with collector() as (url, came):
        otlp.send(report, url)
    told = ExportTraceServiceRequest.FromString(came["/v1/traces"])
    [resource] = told.resource_spans
    assert attributes(resource.resource)["service.name"] == "rainbow-probe"
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    [run] = [span for span in spans if not span.parent_span_id]
    checks = [span for span in spans if span.parent_span_id == run.span_id]
    assert len({span.trace_id for span in spans}) == 1
    assert run.start_time_unix_nano == 1795341600 * 10**9
    assert run.end_time_unix_nano - run.start_time_unix_nano == 8234567000
    assert [attributes(span)["rainbow.check"] for span in checks] == [result.flow.id for result in report.results]
    lost = next(span for span in checks if str(attributes(span)["rainbow.check"]).startswith("turn/turn-gra1"))
    assert (lost.status.code, lost.status.message) == (2, "no answer to 7 requests in 7.9 s")
    assert attributes(lost)["error.type"] == "timeout"
    steps = [span for span in spans if span.parent_span_id == checks[-1].span_id]
    assert [span.name for span in steps] == [step.phase for step in report.results[-1].steps]
    assert attributes(steps[0])["rainbow.fact.addresses"] == "51.83.83.130, 135.125.46.130"
    figures = ExportMetricsServiceRequest.FromString(came["/v1/metrics"])
    [metrics] = [scope.metrics for each in figures.resource_metrics for scope in each.scope_metrics]
    values = {metric.name: metric.gauge.data_points for metric in metrics}
    failed = next(p for p in values["rainbow.rows"] if attributes(p)["rainbow.verdict"] == "fail")
    assert (failed.as_double or failed.as_int) == 8
    assert values["rainbow.stream.loss"][0].as_double == 0.01
    assert values["rainbow.capacity"][0].as_double == 187500
    assert {metric.name: metric.unit for metric in metrics}["rainbow.run.duration"] == "s"


def test_a_collector_that_refuses_is_told(tmp_path: Path) -> None:
    """The other outputs are written all the same; the exit status says that something was not delivered."""
    stored, page = tmp_path / "run.json", tmp_path / "page.html"
    stored.write_text(as_json.dumps(replace(samples.nothing_known(), started="never")))
    with collector(status=400) as (url, came):
        ended = command("report", str(stored), "--quiet", "--otlp", url, "--html", str(page))
    assert ended.status == 2
    assert f"--otlp {url}: the collector did not take the traces and metrics" in ended.err
    assert set(came) == {"/v1/traces", "/v1/metrics"}
    assert page.exists()
    assert json.loads(stored.read_text())["started"] == "never"


def test_a_hostile_report_is_sent_as_text() -> None:
    """No control character of a peer gets into a span."""
    with collector() as (url, came):
        otlp.send(samples.hostile(), url)
    told = ExportTraceServiceRequest.FromString(came["/v1/traces"])
    names = [str(value) for each in told.resource_spans for s in each.scope_spans for span in s.spans
             for value in attributes(span).values()]  # fmt: skip
    assert any("<script>" in name for name in names)
    assert not [name for name in names if not name.isprintable()]
