"""Compare what the probe says at a site with what the oracle found there, wherever both speak.

The oracle says that something works, or that it does not. So a check or row that fails where it works, or passes where
it does not, is a difference; what the probe could not tell is none. ``oracle_limits.toml`` names the differences that
are the oracle's own, with the reasons.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.expectation import matches
from tests.lab.names import AGENT, APNS, REST, TURN, WEB
from tests.lab.oracle import Answers
from tests.lab.oracle_chromium import PAC
from tests.lab.pki import ORGANISATIONS

LIMITS = Path(__file__).parent / "oracle_limits.toml"
GOOD = {"pass", "degraded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one program of the oracle says of a check or row."""

    source: str
    works: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The probe and the oracle say opposite things of *item*, a check or a row."""

    item: str
    verdict: str
    against: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How probe and oracle compare at a site."""

    agreed: int
    differences: tuple[Difference, ...]


def compare(report: Mapping[str, Any], answers: Answers) -> Compared:
    """Compare all checks and rows of *report* that the oracle speaks of."""
    told = [(check["id"], check["outcome"], list(of_check(check["id"], answers))) for check in report["checks"]]
    told += [(check["id"], check["outcome"], list(by_pac(check, report, answers))) for check in report["checks"]]
    told += [(row["id"], row["verdict"], list(of_row(row["id"], answers))) for row in report["rows"]]
    pairs = [(item, verdict, word) for item, verdict, words in told for word in words]
    opposite = [
        Difference(item=item, verdict=verdict, against=f"{word.source}: {'works' if word.works else 'does not work'}")
        for item, verdict, word in pairs
        if (verdict == "fail" and word.works) or (verdict in GOOD and not word.works)
    ]
    judged = sum(verdict in {"fail", *GOOD} for _, verdict, _ in pairs)
    return Compared(agreed=judged - len(opposite), differences=tuple(opposite))


def of_check(check: str, answers: Answers) -> Iterator[Word]:
    """Give what the oracle says of *check*; nothing where it says nothing."""
    kind, _, rest = check.partition("/")
    target, _, way = rest.rpartition("/")
    host = target.partition(":")[0]
    match kind:
        case "https":
            yield from _said(answers, f"chromium-fetch {way}", target, works=("200",))
            yield from _said(answers, f"curl {way}", target, works=("200",))
        case "xmpp":
            yield from _said(answers, f"chromium-websocket {way}", target, works=(f"open xmpp {REST.name}",))
            yield from _said(answers, f"curl {way}", f"upgrade:{host}", works=("101",), enough=host == AGENT.name)
        case "turn":
            yield from _said(answers, f"chromium-turn {way}", target, works=("echo",))
            # coturn's client verifies no certificate.
            enough = not target.endswith("/tls")
            yield from _said(answers, f"turnutils_uclient {way}", target, works=("relayed",), enough=enough)
            yield from _said(answers, f"openssl {way}", target, works=(f"{ORGANISATIONS['public']}: ok",), enough=False)
        case "udp-range":
            yield from _said(answers, f"chromium-range {way}", target, works=("echo",))
        case "push":
            yield from _said(answers, f"openssl {way}", target, works=(_shown_by(host),))
        case "dns":
            yield from _said(answers, "dig", host, not_works=("NXDOMAIN", "REFUSED", "SERVFAIL", "NOERROR", "silence"))
        case _:
            return


def by_pac(check: Mapping[str, Any], report: Mapping[str, Any], answers: Answers) -> Iterator[Word]:
    """Give what Chromium with the site's PAC file says of *check*, if that took the way which the probe found there."""
    if f"chromium-fetch {PAC}" not in answers:
        return
    kind, target = check["kind"], check["target"]
    place = f"{target['host']}:{target['port']}"
    url = f"{'wss' if kind == 'xmpp' else 'https'}://{place.removesuffix(':443')}/"
    ways = {way["url"]: "direct" if way["used"] == "direct" else "proxy" for way in report["site"]["destinations"]}
    if ways.get(url) == check["via"] and target["transport"] != "udp":
        yield from of_check(f"{kind}/{place}/{target['transport']}/{PAC}", answers)


def _shown_by(host: str) -> str:
    apple = f"{ORGANISATIONS['apple']}: unable to verify the first certificate"
    return apple if host in {one.name for one in APNS} else f"{ORGANISATIONS['public']}: ok"


def _said(
    answers: Answers,
    program: str,
    target: str,
    *,
    works: tuple[str, ...] = (),
    not_works: tuple[str, ...] = (),
    enough: bool = True,
) -> Iterator[Word]:
    """Give the word of *program* on *target*; unless it is *enough* for the check, only that it does not work."""
    answer = answers.get(program, {}).get(target, "varies")
    works_there = answer in works or bool(not_works and answer not in not_works)
    if answer != "varies" and (enough or not works_there):
        yield Word(source=f"{program} {answer}", works=works_there)


def of_row(row: str, answers: Answers) -> Iterator[Word]:
    """Give what the oracle says of *row*, as the client of that row would experience it."""
    client, _, part = row.partition("/")
    way = next((way for way in (PAC, "proxy") if f"chromium-turn {way}" in answers), "direct")
    if client in {"desktop", "connectors", "mobile", "room"} and part == "https":
        yield from _all(answers, f"chromium-fetch {way}", "200", [f"{host.name}:443/tls" for host in (REST, *WEB)])
    elif client in {"desktop", "connectors", "mobile", "room"} and part == "wss":
        yield from _all(answers, f"chromium-websocket {way}", f"open xmpp {REST.name}", [f"{REST.name}:443/tls"])
    elif part in {"p2p-internet", "softphone-internet", "conference"}:
        yield from _relayed(answers, client, way)


def _all(answers: Answers, program: str, good: str, targets: list[str]) -> Iterator[Word]:
    """Give that all *targets* work, or that none does; nothing where *program* was not asked."""
    found = [answers[program][target] == good for target in targets if program in answers]
    if len(set(found)) == 1:
        yield Word(source=program, works=found[0])


def _relayed(answers: Answers, client: str, way: str) -> Iterator[Word]:
    """Give whether any relay works for *client*: media of phones and rooms go past the proxy and not over TCP/80."""
    if client in {"mobile", "room"}:
        doors = [("direct", "3478/udp"), ("direct", "443/tls")]
    elif client in {"desktop", "connectors"}:
        doors = [("direct", "3478/udp"), (way, "443/tls"), (way, "80/tcp")]
    else:
        return
    found = [answers.get(f"chromium-turn {by}", {}).get(f"{host.name}:{door}") for by, door in doors for host in TURN]
    if not {"varies", None} & set(found):
        yield Word(source="chromium-turn", works="echo" in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Differences that are the oracle's own."""

    sites: tuple[str, ...]
    items: tuple[str, ...]
    """Patterns of ids of checks and rows."""
    reason: str
    against: str = "*"
    """A pattern of what the oracle said."""
    chance: bool = False
    """Whether the next record may be without this difference."""
    ours: bool = False
    """Whether it is the probe that is wrong, which is known: no limit of the oracle at all."""


def limits() -> list[Limit]:
    """Read the known limits of the oracle."""
    tables = tomllib.loads(LIMITS.read_text(encoding="utf-8")).get("limit", [])
    return [
        Limit(
            sites=tuple(one["sites"]),
            items=tuple(one["items"]),
            against=one.get("against", "*"),
            reason=one["reason"],
            chance=one.get("chance", False),
            ours=one.get("ours", False),
        )
        for one in tables
    ]


def unexplained(site: str, differences: tuple[Difference, ...]) -> list[str]:
    """Return the *differences* at *site* that are no known limit, and the limits that explained nothing there."""
    here = [limit for limit in limits() if matches(site, limit.sites)]
    explained = {limit: [one for one in differences if _covers(limit, one)] for limit in here}
    known = [one for ones in explained.values() for one in ones]
    return [
        *(f"{one.item} is {one.verdict}; {one.against}" for one in differences if one not in known),
        *(f"needless limit: {limit.reason}" for limit, ones in explained.items() if not ones and not limit.chance),
    ]


def contradicted(site: str, differences: tuple[Difference, ...]) -> list[Difference]:
    """Return the *differences* at *site* in which the probe is wrong, known or not."""
    own = [limit for limit in limits() if matches(site, limit.sites) and not limit.ours]
    return [one for one in differences if not any(_covers(limit, one) for limit in own)]


def _covers(limit: Limit, one: Difference) -> bool:
    return matches(one.item, limit.items) and matches(one.against, (limit.against,))
