"""The record of what other programs find at the lab's sites is read rightly, and is still what Chromium finds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.lab import agreement, netns, oracle, oracle_chromium, scenario
from tests.lab.agreement import Difference
from tests.lab.cloud import Cloud
from tests.lab.oracle import Answers
from tests.lab.site import Site

LIVE = ("http-inspection", "open", "proxy-bumps-upgrade")
"""Sites at which Chromium is really asked: a relay that is spoilt, nothing in the way, a proxy with a CA of its own."""
TURN = "turn-gra1.openrainbow.health"


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Answers]]:
    """Ask Chromium at the sites ``LIVE``, all at once, by the way out that a machine there uses."""
    if reason := netns.why_not():
        pytest.skip(reason)
    netns.remove_stale()
    with Cloud() as cloud, ThreadPoolExecutor() as pool:
        yield dict(zip(LIVE, pool.map(lambda pair: _at(cloud, *pair), enumerate(LIVE, start=1)), strict=True))


def _at(cloud: Cloud, number: int, name: str) -> Answers:
    with Site(cloud, scenario.load(name), number=number) as site:
        return oracle_chromium.ask(site, oracle.proxy_of(site))


@pytest.mark.parametrize("name", LIVE)
def test_the_record_is_what_chromium_finds(seen: dict[str, Answers], name: str) -> None:
    """Fetch, WebSocket and calls through every relay go as it is written down."""
    recorded = oracle.recorded(name)
    assert seen[name] == {program: recorded[program] for program in seen[name]}


@pytest.mark.parametrize("name", scenario.names())
def test_the_oracle_was_asked_at_every_site(name: str) -> None:
    """A site without a record is judged by its own file alone; ``python -m tests.lab.oracle SITE`` makes one."""
    assert oracle.recorded(name)["dig"]


def test_no_record_is_of_a_site_that_is_gone() -> None:
    """A file that nobody compares proves nothing."""
    assert {path.stem for path in oracle.FOLDER.glob("*.json")} - set(scenario.names()) == set()


def test_a_record_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets with one answer share a line."""
    monkeypatch.setattr(oracle, "FOLDER", tmp_path / "new")
    answers = {"dig": {"a": "NXDOMAIN", "b": "198.18.0.1 198.18.0.2", "c": "NXDOMAIN"}}
    oracle.record("here", answers)
    assert oracle.recorded("here") == answers
    assert '"NXDOMAIN": "a c"' in (tmp_path / "new" / "here.json").read_text()


def test_a_site_without_a_record_is_told() -> None:
    """The message says how to make one."""
    with pytest.raises(scenario.SiteFileError, match=r"python -m tests\.lab\.oracle nowhere"):
        oracle.recorded("nowhere")


WORDS: dict[str, tuple[str, Answers, list[bool]]] = {
    "a page": ("https/a:443/tls/proxy", {"chromium-fetch proxy": {"a:443/tls": "200"}}, [True]),
    "a page by another way": ("https/a:443/tls/direct", {"chromium-fetch proxy": {"a:443/tls": "200"}}, []),
    "a forged certificate": (
        "https/a:443/tls/direct",
        {
            "chromium-fetch direct": {"a:443/tls": "ERR_CERT_AUTHORITY_INVALID"},
            "curl direct": {"a:443/tls": "error 60"},
        },
        [False, False],
    ),
    "a stream": (
        "xmpp/openrainbow.health:443/tls/direct",
        {"chromium-websocket direct": {"openrainbow.health:443/tls": "open xmpp openrainbow.health"}},
        [True],
    ),
    "an upgrade alone is no stream": (
        "xmpp/openrainbow.health:443/tls/direct",
        {"curl direct": {"upgrade:openrainbow.health": "101"}},
        [],
    ),
    "no upgrade is no stream": (
        "xmpp/openrainbow.health:443/tls/direct",
        {"curl direct": {"upgrade:openrainbow.health": "200"}},
        [False],
    ),
    "a call": (f"turn/{TURN}:80/tcp/proxy", {"chromium-turn proxy": {f"{TURN}:80/tcp": "echo"}}, [True]),
    "a candidate is no call": (
        f"turn/{TURN}:80/tcp/proxy",
        {"chromium-turn proxy": {f"{TURN}:80/tcp": "relay"}},
        [False],
    ),
    "a client that trusts everybody": (
        f"turn/{TURN}:443/tls/direct",
        {"turnutils_uclient direct": {f"{TURN}:443/tls": "relayed"}},
        [],
    ),
    "another route is not spoken of": (
        f"turn/{TURN}:80/tcp/proxy/by-address",
        {"chromium-turn proxy": {f"{TURN}:80/tcp": "echo"}},
        [],
    ),
    "Apple's own CA": (
        "push/1-courier.push.apple.com:443/tls/direct",
        {
            "openssl direct": {
                "1-courier.push.apple.com:443/tls": "Apple Inc. (Lab): unable to verify the first certificate"
            }
        },
        [True],
    ),
    "a name": ("dns/a:53/udp/direct", {"dig": {"a": "198.18.0.1"}}, [True]),
    "no name": ("dns/a:53/udp/direct", {"dig": {"a": "NXDOMAIN"}}, [False]),
    "chance": ("dns/a:53/udp/direct", {"dig": {"a": "varies"}}, []),
}


@pytest.mark.parametrize(("check", "answers", "works"), WORDS.values(), ids=WORDS)
def test_the_oracle_speaks_of_a_check(check: str, answers: Answers, works: list[bool]) -> None:
    """What each program found says that the check's flow works, that it does not, or nothing."""
    assert [word.works for word in agreement.of_check(check, answers)] == works


def answered(**doors: str) -> Answers:
    """Return a record in which relays answer as *doors* say, by the way out named there: ``direct_udp``."""
    names = {"udp": "3478/udp", "tls": "443/tls", "tcp": "80/tcp"}
    found: Answers = {"chromium-turn direct": {}, "chromium-turn proxy": {}}
    for way in ("direct", "proxy"):
        for door, place in names.items():
            for host in ("turn-sbg1", "turn-gra1"):
                answer = doors.get(f"{way}_{door}", "nothing")
                found[f"chromium-turn {way}"][f"{host}.openrainbow.health:{place}"] = answer
    return found


@pytest.mark.parametrize(
    ("row", "doors", "works"),
    [
        ("desktop/p2p-internet", {"proxy_tcp": "echo"}, [True]),
        ("desktop/p2p-internet", {"direct_tcp": "echo"}, [False]),
        ("desktop/conference", {"direct_udp": "echo"}, [True]),
        ("mobile/p2p-internet", {"proxy_tls": "echo"}, [False]),
        ("mobile/p2p-internet", {"direct_tls": "echo"}, [True]),
        ("room/conference", {"direct_tcp": "echo"}, [False]),
        ("mobile/conference", {"direct_udp": "varies"}, []),
        ("webrtc-gateway/p2p-internet", {"direct_udp": "echo"}, []),
    ],
)
def test_the_oracle_speaks_of_a_row(row: str, doors: dict[str, str], works: list[bool]) -> None:
    """A web client's TCP goes by the proxy, a phone's never does, and phones do not use TCP/80."""
    assert [word.works for word in agreement.of_row(row, answered(**doors))] == works


def test_pages_make_a_row_only_together() -> None:
    """All of them, or none; if some work, the row is not the oracle's to judge."""
    answers = oracle.recorded("open")
    assert [word.works for word in agreement.of_row("desktop/https", answers)] == [True]
    answers["chromium-fetch direct"]["openrainbow.health:443/tls"] = "503"
    assert list(agreement.of_row("desktop/https", answers)) == []
    assert [word.works for word in agreement.of_row("mobile/wss", answers)] == [True]


def said(check: str, row: str) -> dict[str, Any]:
    """Return a report with one check and one row."""
    return {
        "checks": [{"id": "dns/a:53/udp/direct", "outcome": check}],
        "rows": [{"id": "desktop/wss", "verdict": row}],
    }


ANSWERS: Answers = {"dig": {"a": "NXDOMAIN"}, "chromium-websocket direct": {"openrainbow.health:443/tls": "closed"}}


@pytest.mark.parametrize(
    ("check", "row", "agreed", "different"),
    [
        ("fail", "fail", 2, []),
        ("pass", "degraded", 0, ["dns/a:53/udp/direct", "desktop/wss"]),
        ("inconclusive", "not-tested", 0, []),
    ],
)
def test_only_opposites_are_differences(check: str, row: str, agreed: int, different: list[str]) -> None:
    """What the probe could not tell is neither right nor wrong."""
    found = agreement.compare(said(check, row), ANSWERS)
    assert found.agreed == agreed
    assert [one.item for one in found.differences] == different


def test_a_known_limit_explains_and_a_needless_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that explains nothing at its site would hide the next wrong verdict."""
    path = tmp_path / "limits.toml"
    path.write_text('[[limit]]\nsites = ["a", "b"]\nitems = ["dns/*"]\nagainst = "dig*"\nreason = "why"\n')
    monkeypatch.setattr(agreement, "LIMITS", path)
    known = Difference(item="dns/x", verdict="pass", against="dig NXDOMAIN: does not work")
    other = Difference(item="https/x", verdict="fail", against="curl direct 200: works")
    assert agreement.unexplained("a", (known,)) == []
    assert agreement.unexplained("b", (other,)) == ["https/x is fail; curl direct 200: works", "needless limit: why"]
    assert agreement.unexplained("c", ()) == []
    assert agreement.contradicted("a", (known, other)) == [other]
    path.write_text(path.read_text() + "chance = true\nours = true\n")
    assert agreement.contradicted("a", (known, other)) == [known, other]
    assert agreement.unexplained("b", ()) == []
