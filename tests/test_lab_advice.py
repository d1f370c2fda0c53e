"""A site that fails turns green by its own advice: what failed passes, and all else is as closed as before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from rainbow_probe.report import from_json
from rainbow_probe.rules import Act, RuleSet, least
from tests.commands import TOO_BUSY, TRIES, rainbow_probe, starved
from tests.judge_samples import guide
from tests.lab import netns, scenario
from tests.lab.cloud import Cloud
from tests.lab.probe import Ended, run_probe
from tests.lab.runs import AT_ONCE, MACHINE
from tests.lab.site import Site
from tests.lab.truth import observe

CHAIN = "inet lab forwarding"
DECRYPTED = "Corporate Inspection Lab: self-signed certificate in certificate chain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A site, and what must be as closed there after the advice as before."""

    site: str
    closed: Mapping[str, str]
    """Questions of ``tests.lab.truth`` with their answers, before and after."""
    degraded: bool = False
    """Whether rows that work by a fallback are to be mended too."""


CASES = (
    Case(
        site="only-tcp-443",
        closed={
            "udp turn-sbg1.openrainbow.health 3478": "silence",  # not from the gateway's ports
            "tcp turn-sbg1.openrainbow.health 80": "silence",
            "tcp turn-sbg1.openrainbow.health 5228": "silence",
            "tcp mtalk.google.com 80": "silence",
        },
    ),
    Case(
        site="udp-blocked",
        degraded=True,
        closed={
            "udp openrainbow.health 3478": "silence",
            "udp mtalk.google.com 50000": "silence",
            "udp turn-sbg1.openrainbow.health 3479": "silence",
        },
    ),
    Case(
        site="push-blocked",
        closed={"tcp openrainbow.health 5228": "silence", "tcp mtalk.google.com 5223": "silence"},
    ),
    Case(
        site="dropped",
        closed={
            "tcp turn-sbg1.openrainbow.health 80": "silence",
            "tcp turn-sbg1.openrainbow.health 22": "silence",
            "tcp connectivitycheck.gstatic.com 80": "silence",
            "tcp mtalk.google.com 443": "silence",
        },
    ),
    Case(
        site="reject",
        closed={"udp openrainbow.health 3478": "refused", "tcp openrainbow.health 80": "refused"},
    ),
    Case(
        site="proxy-denies-80",
        closed={
            "connect openrainbow.health 80": "403",
            "connect turn-sbg1.openrainbow.health 5228": "403",
            "tcp openrainbow.health 443": "silence",
            "tcp turn-sbg1.openrainbow.health 80": "silence",
        },
    ),
    Case(
        site="proxy-denies-name",
        closed={"connect files-hds.openrainbow.health 22": "403"},
    ),
    Case(
        site="proxy-bumps-untrusted",
        closed={
            "tls-through mtalk.google.com 443": DECRYPTED,
            "tcp openrainbow.health 443": "silence",
        },
    ),
    Case(
        site="proxy-firewall-host",
        closed={"connect files-hds.openrainbow.health 80": "silence"},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """What a site was like before and after its own advice."""

    rules: RuleSet
    before: Ended
    after: Ended
    seen_before: Mapping[str, str]
    seen_after: Mapping[str, str]


@pytest.fixture(scope="module")
def advised(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Advised]]]:
    """Begin at all sites that the chosen tests ask for."""
    if reason := netns.why_not():
        pytest.skip(reason)
    netns.remove_stale()
    here = [item for item in request.session.items if isinstance(item, pytest.Function) and item.path == Path(__file__)]
    asked = [item.callspec.params["case"] for item in here]
    cases = [case for case in CASES if case in asked]
    with Cloud() as cloud, ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        yield {one.site: pool.submit(_advise, cloud, one, number) for number, one in enumerate(cases, 1)}


def _advise(cloud: Cloud, case: Case, number: int) -> Advised:
    with Site(cloud, scenario.load(case.site), number=number) as site:
        seen_before = observe(site, case.closed)
        before = _run(site)
        stored = site.folder / "before.json"
        stored.write_text(json.dumps(before.report), "utf-8")
        rules = least(from_json.read(str(stored)), guide(), degraded=case.degraded)
        _apply(site, stored, rules, ["--degraded"] * case.degraded)
        after = _run(site, "--failed-in", str(stored))
        return Advised(
            rules=rules, before=before, after=after, seen_before=seen_before, seen_after=observe(site, case.closed)
        )


def _run(site: Site, *more: str) -> Ended:
    with MACHINE.shared():
        ended = run_probe(site, *more)
    for _ in range(TRIES - 1):
        if starved(ended.report):
            with MACHINE.alone():
                ended = run_probe(site, *more)
    return ended


def _apply(site: Site, stored: Path, rules: RuleSet, more: list[str]) -> None:
    """Do what the command says, as an administrator would: one file for the firewall, one for the proxy."""
    if rules.of(Act.OPEN):
        site.advise_firewall(_written(stored, "nftables", "--chain", CHAIN, *more))
    if rules.of(Act.PERMIT, Act.EXEMPT):
        site.advise_proxy(_written(stored, "squid", *more))
    elif any(one.by_proxy for one in rules.openings):
        site.advise_proxy("")  # squid remembers for a while whom it could not reach


def _written(stored: Path, name: str, *more: str) -> str:
    ended = rainbow_probe("rules", str(stored), "--format", name, *more)
    assert (ended.status, ended.err) == (0, "")
    return ended.out


def _with_time(found: Advised) -> Advised:
    """Return *found*, if this machine had the time for both runs."""
    if starved(found.before.report) or starved(found.after.report):
        pytest.skip(TOO_BUSY)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.site)
def test_what_failed_passes_by_the_sites_own_advice(case: Case, advised: Mapping[str, Future[Advised]]) -> None:
    """Every row that failed, and that no rule was said to be beyond."""
    found = _with_time(advised[case.site].result())
    mended = {row for one in found.rules.openings for row in one.rows}
    rows = {row["id"]: (row["verdict"], row["reason"]) for row in found.after.report["rows"]}
    assert mended
    assert found.rules.unmended == ()
    assert {row: rows[row] for row in mended if rows[row][0] != "pass"} == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.site)
def test_nothing_else_is_opened(case: Case, advised: Mapping[str, Future[Advised]]) -> None:
    """Other ports of the same hosts, other hosts on the same ports: as closed as before."""
    found = advised[case.site].result()
    assert found.seen_before == case.closed
    assert found.seen_after == case.closed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.site)
def test_the_advice_is_all_that_is_needed(case: Case, advised: Mapping[str, Future[Advised]]) -> None:
    """What failed before and was not in the advice sums up other rows, and is no worse for it."""
    found = _with_time(advised[case.site].result())
    wanted = {"fail", "degraded"} if case.degraded else {"fail"}
    failed = {row["id"] for row in found.before.report["rows"] if row["verdict"] in wanted}
    sums = {row.id for row in guide().rows if row.sections}
    assert failed - sums == {row for one in found.rules.openings for row in one.rows}
