"""A stored report, read back: all of it that a report shows, also one that an older version wrote.

What stands in the file is anybody's: types, words and sizes are checked, and its texts are never put into a rule.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from rainbow_probe.measures import Demand, StoryStep
from rainbow_probe.model import (
    Alternative,
    Cause,
    ClientLine,
    Endpoint,
    Failure,
    Finding,
    Flow,
    Need,
    Outcome,
    Phase,
    PortRange,
    Report,
    Result,
    Row,
    RowVerdict,
    Rule,
    Scalar,
    Severity,
    Step,
    Transport,
    Verdict,
    Via,
    Who,
)
from rainbow_probe.options import UsageError
from rainbow_probe.report import measured
from rainbow_probe.report.as_json import SCHEMA
from rainbow_probe.report.fields import Item
from rainbow_probe.report.stored_site import read_site

LARGEST = 64 * 2**20  # bytes; a report of a large site has some hundred kilobytes
_SOURCE = re.compile(r"/from-(\d{1,5})-(\d{1,5})(?:/|$)")
BY_ADDRESS = "/by-address"


def read(path: str) -> Report:
    """Read the report in the file *path*; raises ``UsageError`` with the file and what is wrong with it."""
    return loads(read_text(path), path)


def read_text(path: str) -> str:
    """Return what is in the file *path*, which may be a report; raises ``UsageError``."""
    try:
        with Path(path).open("rb") as file:  # its size is not asked: a device or a pipe has none, and no end
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise UsageError(f"{path}: more than {LARGEST // 2**20} MiB is no report")
        return data.decode("utf-8")
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path}: not a text file") from exc


def loads(text: str, where: str = "report") -> Report:
    """Return the report in *text*; raises ``UsageError``, which begins with *where*."""
    return _report(document(text, where))


def document(text: str, where: str) -> Item:
    """Return the document in *text* if it is a report; raises ``UsageError``, which begins with *where*."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"{where}: not a report: it is no whole JSON document") from exc
    top = Item(data, where)
    if (schema := top.text("schema")) != SCHEMA:
        raise UsageError(f"{where}: not a report of this version: its schema is {schema[:60]!a}, wanted is {SCHEMA!r}")
    return top


def _report(top: Item) -> Report:
    guide, tool, site = top.needed("guide"), top.needed("tool"), top.needed("site")
    return Report(
        version=tool.text("version"),
        guide_id=guide.text("id"),
        guide_edition=guide.text("edition"),
        guide_title=guide.text("title"),
        started=top.text("started"),
        duration=top.number("duration_s") if "duration_s" in top else 0.0,
        verdict=top.member("verdict", RowVerdict),
        summary=top.text("summary"),
        site=read_site(site),
        groups={group.text("id"): group.text("title") for group in top.items("groups")},
        mapped_addresses=site.texts("mapped_addresses"),
        nat=site.scalars("nat") if "nat" in site else {},
        proxy_policy=site.scalars("proxy_policy") if "proxy_policy" in site else {},
        self_check=site.scalars("self_check") if "self_check" in site else {},
        clients=tuple(_client(item) for item in top.items("clients")),
        rows=tuple(_row(item) for item in top.items("rows")),
        results=tuple(_result(item) for item in top.items("checks")),
        findings=tuple(_finding(item) for item in top.items("findings")),
        demands=tuple(measured.read(item, Demand) for item in top.items("demands")),
        interrupted=top.flag("interrupted") if "interrupted" in top else False,
        story=tuple(measured.read(item, StoryStep) for item in top.items("story")),
    )


def _client(item: Item) -> ClientLine:
    return ClientLine(
        id=item.text("id"),
        title=item.text("title"),
        verdict=item.member("verdict", RowVerdict),
        reason=item.text("reason"),
    )


def _row(item: Item) -> Row:
    return Row(
        id=item.text("id"),
        client=item.text("client"),
        section=item.text("section"),
        title=item.text("title"),
        need=item.member("need", Need),
        verdict=item.member("verdict", RowVerdict),
        reason=item.text("reason"),
        checks=item.texts("checks"),
        findings=item.texts("findings"),
        notes=item.texts("notes"),
        errata=item.texts("errata"),
        destination=item.known("destination"),
        path=item.known("path"),
        protocol=item.known("protocol"),
        source=item.known("source"),
        proxy=item.known("proxy"),
        ways=tuple(_way(way) for way in item.items("ways")),
    )


def _way(item: Item) -> Alternative:
    return Alternative(
        name=item.text("name"),
        verdict=item.member("verdict", RowVerdict),
        path=item.text("path"),
        reason=item.text("reason"),
    )


def _result(item: Item) -> Result:
    identity, target = item.text("id"), item.needed("target")
    flow = Flow(
        id=identity,
        spec="",
        kind=item.text("kind"),
        target=Endpoint(host=target.text("host"), port=target.whole("port", 0, 65535)),
        transport=target.member("transport", Transport),
        via=item.member("via", Via),
        source=_source(identity),
        params=_params(identity),
        control_of=item.known("control_of"),
        proxy=item.known("proxy"),
    )
    verdict = Verdict(
        outcome=item.member("outcome", Outcome),
        reason=item.text("reason"),
        failure=_failure(item),
        alive=item.texts("alive"),
        dead=item.texts("dead"),
        measured=measured.measured_of(item),
    )
    steps = tuple(_step(step) for step in item.items("steps"))
    return Result(flow=flow, verdict=verdict, steps=steps, took=item.milliseconds("took_ms"))


def _source(identity: str) -> PortRange | None:
    """Read the local ports from the id of a check, which is where a report has them."""
    found = _SOURCE.search(identity)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    return PortRange(first=first, last=last) if 0 < first <= last < 65536 else None


def _params(identity: str) -> dict[str, Scalar]:
    return {"by": "address"} if identity.endswith(BY_ADDRESS) else {}


def _failure(item: Item) -> Failure | None:
    failure = item.item("failure")
    if failure is None:
        return None
    return Failure(
        phase=failure.member("phase", Phase), cause=failure.member("cause", Cause), detail=failure.text("detail")
    )


def _step(item: Item) -> Step:
    return Step(
        phase=item.member("phase", Phase),
        subject=item.text("subject"),
        at=item.milliseconds("at_ms"),
        took=item.milliseconds("took_ms"),
        failure=_failure(item),
        facts=item.scalars("facts"),
    )


def _finding(item: Item) -> Finding:
    return Finding(
        id=item.text("id"),
        title=item.text("title"),
        severity=item.member("severity", Severity),
        who=item.member("who", Who),
        proof=item.texts("proof"),
        rows=item.texts("rows"),
        fix=item.text("fix"),
        detail=item.known("detail"),
        rules=tuple(Rule(format=rule.text("format"), text=rule.text("text")) for rule in item.items("rules")),
        hides=_hides(item.item("hides")),
    )


def _hides(item: Item | None) -> dict[str, tuple[Phase, ...]]:
    return {} if item is None else {door: item.members(door, Phase) for door in item}
