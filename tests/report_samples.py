"""Reports made by hand for the renderers' tests: a real site's faults, hostile strings, and a great many rows."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from rainbow_probe.model import (
    Cause,
    ClientLine,
    Credentials,
    Endpoint,
    Failure,
    Finding,
    Flow,
    Need,
    Outcome,
    Phase,
    PortRange,
    Proxy,
    Report,
    Result,
    Row,
    RowVerdict,
    Rule,
    Scalar,
    Severity,
    Site,
    Step,
    Transport,
    Verdict,
    Via,
    Who,
)

ROWS = Path(__file__).parent / "data" / "report" / "rows.tsv"
PASSWORD = "Swordfish-4711"  # noqa: S105 - a made-up one, to look for in every output
TURN_HOSTS = ("turn-gra1.openrainbow.health", "turn-sbg1.openrainbow.health")
CLIENTS = (
    ("desktop", "Desktop and Web clients", RowVerdict.DEGRADED, "media only over TLS/443 through the proxy"),
    ("connectors", "Teams and Google connectors", RowVerdict.DEGRADED, "media only over TLS/443 through the proxy"),
    ("mobile", "Android and iOS", RowVerdict.FAIL, "media has no way out: p2p-internet; no push on Android: fcm"),
    ("room", "Rainbow Room", RowVerdict.FAIL, "media has no way out: p2p-internet; no push: fcm"),
    ("pbx-agent", "PBX agent", RowVerdict.PASS, "every row that could be tried works"),
    ("webrtc-gateway", "WebRTC gateway", RowVerdict.INCONCLUSIVE, "9 of 14 rows need the gateway itself"),
)
HOSTILE = (
    "[bold red]markup[/] [link=http://evil.example]x[/link] :bomb: \x1b[31mred\x1b[0m \x1b]0;title\x07 "
    "<script>alert('x')</script> <img src=x onerror=alert(1)> & \" ' \u202egnp.exe \x00\x85\r\n\t]]> \ud800 é"
)
LONG = "x" * 3000


def broken_site() -> Report:
    """Make a site behind a proxy, without UDP, push ports and one name: every row of the guide, every verdict."""
    rows = tuple(read_rows())
    return Report(
        version="0.1.0",
        guide_id="hds-ed21",
        guide_edition="21",
        guide_title="Rainbow HDS network requirements",
        started="2026-11-22T10:00:00Z",
        duration=8.234567,
        verdict=RowVerdict.FAIL,
        summary="Sign-in and messages work; calls work on desktops only, and poorly: outbound UDP is blocked.",
        site=_site(),
        mapped_addresses=("198.51.100.7",),
        nat={"mapping": "endpoint-independent", "seen_as": "198.51.100.7:40000", "exits": 1, "port_preserved": True},
        self_check={"max_lag_ms": 3.2, "cpu_s": 0.41, "stalled": False},
        clients=tuple(ClientLine(id=i, title=t, verdict=v, reason=r) for i, t, v, r in CLIENTS),
        rows=rows,
        results=tuple(_results(rows)),
        findings=_findings(),
    )


def open_site() -> Report:
    """Make a site where all is well: nothing to change, every row passes."""
    report = broken_site()
    rows = tuple(replace(row, verdict=RowVerdict.PASS, reason="works", findings=()) for row in report.rows)
    clients = tuple(replace(client, verdict=RowVerdict.PASS, reason="works") for client in report.clients)
    summary = "Rainbow works from here."
    site = Site(resolvers=("10.0.0.1",), addresses=("10.0.0.5",), hostname="lab-laptop", platform="Linux 6.1")
    return replace(report, verdict=RowVerdict.PASS, summary=summary, site=site, clients=clients, rows=rows, findings=())


def hostile() -> Report:
    """Make a report whose every text that can come from outside is hostile: markup, escapes, HTML, very long."""
    report = broken_site()
    step = Step(
        phase=Phase.TLS,
        subject=HOSTILE,
        at=0.0,
        took=0.1,
        failure=Failure(phase=Phase.TLS, cause=Cause.TLS_INTERCEPTED, detail=HOSTILE),
        facts={"issuer": HOSTILE, "body": LONG, "nan": float("nan"), "none": None, "public": False},
    )
    verdict = Verdict(outcome=Outcome.FAIL, reason=HOSTILE, failure=step.failure)
    results = tuple(replace(result, verdict=verdict, steps=(step,)) for result in report.results)
    rows = tuple(replace(row, title=HOSTILE, reason=HOSTILE + LONG, destination=LONG) for row in report.rows)
    findings = tuple(
        replace(found, title=HOSTILE, detail=HOSTILE + LONG, rules=(Rule(format="text", text=HOSTILE),))
        for found in report.findings
    )
    clients = tuple(replace(client, title=HOSTILE, reason=HOSTILE) for client in report.clients)
    site = replace(report.site, hostname=HOSTILE, proxy_notes=(HOSTILE,), resolvers=(HOSTILE,))
    return replace(report, site=site, clients=clients, rows=rows, results=results, findings=findings, summary=HOSTILE)


def crowded() -> Report:
    """Make a report with more rows than the guide has: three copies of every row."""
    report = broken_site()
    copies = (replace(row, id=f"{row.id}-{copy}") for copy in range(3) for row in report.rows)
    return replace(report, rows=tuple(copies))


def nothing_known() -> Report:
    """Make a run that was interrupted before anything came back."""
    report = broken_site()
    return replace(
        report,
        verdict=RowVerdict.INCONCLUSIVE,
        summary="Stopped before anything could be told.",
        site=Site(),
        mapped_addresses=(),
        self_check={},
        clients=(),
        rows=(),
        results=(),
        findings=(),
        interrupted=True,
    )


def read_rows() -> list[Row]:
    """Return the rows kept as test data, one a line."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file, delimiter="\t")]


def _row(line: dict[str, str]) -> Row:
    return Row(
        id=line["id"],
        client=line["id"].partition("/")[0],
        section=line["section"],
        title=line["title"],
        destination=line["destination"],
        need=Need(line["need"]),
        verdict=RowVerdict(line["verdict"]),
        path=line["path"],
        reason=line["reason"],
        checks=tuple(line["checks"].split()),
        findings=tuple(line["findings"].split()),
        notes=(line["notes"],) if line["notes"] else (),
        errata=(line["errata"],) if line["errata"] else (),
    )


def _site() -> Site:
    credentials = Credentials(user="probe", password=PASSWORD)
    return Site(
        proxy=Proxy(endpoint=Endpoint(host="proxy.corp.example", port=3128), credentials=credentials),
        proxy_source="HTTPS_PROXY in the environment",
        no_proxy=("localhost", ".corp.example", "10.0.0.0/8"),
        no_proxy_source="NO_PROXY in the environment",
        proxy_notes=("a PAC file is set (http://wpad/wpad.dat) and not used: give --proxy URL if it says otherwise",),
        resolvers=("10.0.0.1", "10.0.0.2"),
        addresses=("10.0.0.5", "2001:db8::5"),
        trust_stores=("the system's", "Mozilla's list"),
        dynamic_ports=PortRange(first=32768, last=60999),
        platform="Linux 6.1",
        hostname="lab-laptop",
        timezone="CET",
        clock="2026-11-22T11:00:00+01:00",
    )


def _results(rows: tuple[Row, ...]) -> list[Result]:
    return [_result(check) for check in dict.fromkeys(check for row in rows for check in row.checks)]


def _result(check: str) -> Result:
    kind, _, rest = check.partition("/")
    target, transport, via = rest.split("/")[:3]
    host, _, port = target.rpartition(":")
    endpoint = Endpoint(host=host, port=int(port))
    flow = Flow(id=check, spec=kind, kind=kind, target=endpoint, transport=Transport(transport), via=Via(via))
    return Result(flow=flow, verdict=_verdict(flow), steps=_steps(flow), took=0.2345678)


def _verdict(flow: Flow) -> Verdict:
    failure = _failure(flow)
    if failure is None:
        return Verdict(outcome=Outcome.PASS, reason="answered in 41 ms", alive=("51.83.83.130:443",))
    outcome = Outcome.INCONCLUSIVE if failure.cause is Cause.BUDGET else Outcome.FAIL
    return Verdict(outcome=outcome, reason=failure.detail, failure=failure, dead=("51.83.83.130:3478",))


def _failure(flow: Flow) -> Failure | None:
    if flow.transport is Transport.UDP and flow.kind == "turn":
        return Failure(phase=Phase.STUN, cause=Cause.TIMEOUT, detail="no answer to 7 requests in 7.9 s")
    if "files-hds" in flow.id:
        return Failure(phase=Phase.RESOLVE, cause=Cause.NXDOMAIN, detail="both resolvers say there is no such name")
    if "mtalk" in flow.id:
        return Failure(phase=Phase.CONNECT, cause=Cause.TIMEOUT, detail="nothing for 8 s")
    if "courier" in flow.id:
        return Failure(phase=Phase.TLS, cause=Cause.BUDGET, detail="our own time ran out before the answer was due")
    if flow.kind == "turn" and flow.via is Via.DIRECT:
        return Failure(phase=Phase.CONNECT, cause=Cause.REFUSED, detail="refused by 10.0.0.254")
    return None


def _steps(flow: Flow) -> tuple[Step, ...]:
    facts: dict[str, Scalar] = {"addresses": "51.83.83.130, 135.125.46.130", "source": "system"}
    resolve = Step(phase=Phase.RESOLVE, subject=flow.target.host, at=0.0, took=0.0123456, facts=facts)
    failure = _failure(flow)
    phase = failure.phase if failure else Phase.CONNECT
    subject = "51.83.83.130:443"
    return (resolve, Step(phase=phase, subject=subject, at=0.0123456, took=0.04, failure=failure, facts={"n": 2}))


_MEDIA_ROWS = tuple(
    f"{client}/{row}"
    for client in ("desktop", "connectors", "mobile")
    for row in ("p2p-internet", "softphone-internet")
)


def _findings() -> tuple[Finding, ...]:
    udp = tuple(f"turn/{host}:3478/udp/direct" for host in TURN_HOSTS)
    return (
        Finding(
            id="dynamic-ports",
            title="This machine takes source ports outside the guide's dynamic range",
            severity=Severity.ADVICE,
            who=Who.ENDPOINT,
            proof=(),
            rows=("os/dynamic-ports",),
            fix="Filter by destination, or allow source ports 32768-60999 as well.",
        ),
        Finding(
            id="udp-blocked",
            title="Outbound UDP is blocked, except DNS",
            severity=Severity.BLOCKING,
            who=Who.FIREWALL,
            proof=(*udp, f"turn/{TURN_HOSTS[0]}:443/tls/proxy", "dns/openrainbow.health:53/udp/direct"),
            rows=(*_MEDIA_ROWS, "room/p2p-internet", "webrtc-gateway/ice-turn", "webrtc-gateway/p2p-internet"),
            detail="7 STUN requests to UDP/3478 of each of 2 servers had no answer in 7.9 s, and no ICMP came back; "
            "the same servers answered over TLS/443 through the proxy in 52 ms.",
            fix="Let UDP/3478 out to the TURN servers, with replies.",
            hides={
                "TCP/80": (Phase.STUN, Phase.TURN_ALLOCATE),
                "TCP/8080": (Phase.STUN, Phase.TURN_ALLOCATE),
                "TCP/443": (Phase.TLS,),
            },
            rules=(
                Rule(
                    format="text",
                    text="direction:   outbound, replies allowed\nsource:      10.0.0.5 and the clients' networks, "
                    "UDP 49152-65535\ndestination: turn*.openrainbow.health (51.83.83.128/27, 135.125.46.128/27)\n"
                    "protocol:    UDP\nport:        3478",
                ),
                Rule(
                    format="nftables",
                    text="ip daddr { 51.83.83.128/27, 135.125.46.128/27 } udp dport 3478 ct state new,established "
                    'counter accept comment "Rainbow TURN"',
                ),
            ),
        ),
        Finding(
            id="push-blocked",
            title="Google push is blocked: Android devices and rooms miss calls",
            severity=Severity.BLOCKING,
            who=Who.FIREWALL,
            proof=tuple(f"push/mtalk.google.com:{port}/tls/direct" for port in (5228, 5229, 5230)),
            rows=("mobile/fcm", "room/fcm"),
            detail="Three ports of mtalk.google.com gave no answer for 8 s; TLS/443 elsewhere works.",
            fix="Let TCP/5228-5230 out to mtalk.google.com, directly, and keep idle connections for 30 minutes.",
            rules=(
                Rule(format="text", text="outbound, TCP, any source port, to mtalk.google.com, ports 5228, 5229, 5230"),
            ),
        ),
        Finding(
            id="tls-intercepted",
            title="TLS to web.openrainbow.health is decrypted by CN=Corp Inspection CA",
            severity=Severity.DEGRADING,
            who=Who.TLS_INSPECTION,
            proof=("https/web.openrainbow.health:443/tls/proxy",),
            rows=("border/tls-inspection",),
            detail="issuer CN=Corp Inspection CA,O=Corp: trusted by this machine, not by Mozilla's list",
            fix="Exempt *.openrainbow.health from TLS inspection.",
        ),
    )
