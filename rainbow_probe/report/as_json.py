"""The report as JSON, as ``docs/report.schema.json`` describes it; others script against it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from rainbow_probe.model import (
    Alternative,
    ClientLine,
    Destination,
    Failure,
    Finding,
    PortRange,
    Report,
    Result,
    Row,
    Scalar,
    Site,
    Step,
)
from rainbow_probe.report.measured import measured_json, plain

SCHEMA = "rainbow-probe/report/1"


def dumps(report: Report) -> str:
    """Return the report as JSON text; printable ASCII only, so that no byte of a hostile peer reaches a terminal.

    Half a character (a lone surrogate, as the system hands on what is no UTF-8) is replaced: strict readers refuse it.
    """
    text = json.dumps(_whole(to_json(report)), indent=2, allow_nan=False)
    return text.replace("\x7f", "\\u007f") + "\n"  # the one control character that JSON writes as it is


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as the contract says: dictionaries, lists, strings, numbers."""
    return {
        "schema": SCHEMA,
        "tool": {"name": "rainbow-probe", "version": report.version},
        "guide": {"id": report.guide_id, "edition": report.guide_edition, "title": report.guide_title},
        "started": report.started,
        "duration_s": round(report.duration, 3),
        "interrupted": report.interrupted,
        "verdict": report.verdict.value,
        "summary": report.summary,
        "site": _site(report),
        "clients": [_client(client) for client in report.clients],
        "groups": [{"id": group, "title": title} for group, title in report.groups.items()],
        "rows": [_row(row) for row in report.rows],
        "checks": [_check(result) for result in report.results],
        "findings": [_finding(finding) for finding in report.findings],
        "demands": plain(report.demands),
        "story": plain(report.story),
    }


def _site(report: Report) -> dict[str, Any]:
    site = report.site
    return {
        "name": site.name,
        "labels": dict(site.labels),
        "proxy": _proxy(site),
        "no_proxy": list(site.no_proxy),
        "no_proxy_source": site.no_proxy_source,
        "proxy_notes": list(site.proxy_notes),
        "proxy_policy": _scalars(report.proxy_policy),
        "pac": [{"url": pac.shown, "source": pac.where} for pac in site.pacs],
        "destinations": [_destination(way) for way in site.destinations],
        "resolvers": list(site.resolvers),
        "addresses": list(site.addresses),
        "mapped_addresses": list(report.mapped_addresses),
        "nat": _scalars(report.nat),
        "trust_stores": list(site.trust_stores),
        "dynamic_ports": _ports(site.dynamic_ports),
        "platform": site.platform,
        "hostname": site.hostname,
        "timezone": site.timezone,
        "clock": site.clock,
        "self_check": _scalars(report.self_check),
    }


def _proxy(site: Site) -> dict[str, str] | None:
    return {"url": str(site.proxy), "source": site.proxy_source} if site.proxy else None


def _destination(way: Destination) -> dict[str, Any]:
    return {
        "url": way.url,
        "host": way.target.host,
        "port": way.target.port,
        "choices": list(way.choices),
        "used": str(way.used) if way.used else "direct",
        "passed_over": list(way.passed_over),
        "source": way.source,
    }


def _ports(ports: PortRange | None) -> dict[str, int] | None:
    return {"first": ports.first, "last": ports.last} if ports else None


def _client(client: ClientLine) -> dict[str, Any]:
    return {"id": client.id, "title": client.title, "verdict": client.verdict.value, "reason": client.reason}


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "client": row.client,
        "section": row.section,
        "title": row.title,
        "destination": row.destination,
        "need": row.need.value,
        "verdict": row.verdict.value,
        "path": row.path,
        "reason": row.reason,
        "checks": list(row.checks),
        "findings": list(row.findings),
        "notes": list(row.notes),
        "errata": list(row.errata),
        "protocol": row.protocol,
        "source": row.source,
        "proxy": row.proxy,
        "ways": [_way(way) for way in row.ways],
    }


def _way(way: Alternative) -> dict[str, str]:
    return {"name": way.name, "verdict": way.verdict.value, "path": way.path, "reason": way.reason}


def _check(result: Result) -> dict[str, Any]:
    flow, verdict = result.flow, result.verdict
    return {
        "id": flow.id,
        "kind": flow.kind,
        "target": {"host": flow.target.host, "port": flow.target.port, "transport": flow.transport.value},
        "via": flow.via.value,
        "proxy": flow.proxy,
        "control_of": flow.control_of,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "failure": _failure(verdict.failure),
        "alive": list(verdict.alive),
        "dead": list(verdict.dead),
        "took_ms": _ms(result.took),
        "steps": [_step(step) for step in result.steps],
        "measured": measured_json(verdict.measured),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "phase": step.phase.value,
        "subject": step.subject,
        "at_ms": _ms(step.at),
        "took_ms": _ms(step.took),
        "ok": step.failure is None,
        "failure": _failure(step.failure),
        "facts": _scalars(step.facts),
    }


def _failure(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {"phase": failure.phase.value, "cause": failure.cause.value, "detail": failure.detail}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "title": finding.title,
        "severity": finding.severity.value,
        "who": finding.who.value,
        "detail": finding.detail,
        "proof": list(finding.proof),
        "rows": list(finding.rows),
        "fix": finding.fix,
        "rules": [{"format": rule.format, "text": rule.text} for rule in finding.rules],
        "hides": {where: [phase.value for phase in phases] for where, phases in finding.hides.items()},
    }


def _scalars(facts: Mapping[str, Scalar]) -> dict[str, Scalar]:
    return {key: _finite(value) for key, value in facts.items()}


def _finite(value: Scalar) -> Scalar:
    """JSON has no NaN and no infinity (RFC 8259, section 6); such a number is written as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        known = cast("dict[str, object]", value)
        return {_whole(key): _whole(each) for key, each in known.items()}
    return [_whole(each) for each in cast("list[object]", value)] if isinstance(value, list) else value
