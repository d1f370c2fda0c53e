"""The whole judgement: complete, consistent, and proven, whatever the results are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_probe.catalogue import RowSpec
from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.judge import FINDINGS, judge, meaning
from rainbow_probe.judge.findings import FINDERS
from rainbow_probe.judge.needs import Known
from rainbow_probe.judge.rows import judge_row
from rainbow_probe.judge.scene import CONTROLS, Scene
from rainbow_probe.judge.words import CAUSES, MOST_NAMED, all_said, common_name, count, named, sentence
from rainbow_probe.model import (
    OUR_OWN,
    Assignment,
    Cause,
    Flow,
    Outcome,
    Phase,
    Row,
    RowVerdict,
    Site,
    Via,
    Who,
)
from tests.judge_samples import (
    OPEN_SITE,
    PROXY_SITE,
    TURN,
    Case,
    Fault,
    both,
    case,
    ended,
    finding,
    flow,
    guide,
    ids,
    kind,
    need,
    report,
    result,
    row,
    row_spec,
    spec,
    tcp,
    udp,
    way,
)

# The report


def test_an_open_site_passes() -> None:
    """Every row that can be tested does, and nothing is found."""
    judged = report()
    assert (judged.verdict, judged.findings) == (RowVerdict.PASS, ())
    assert {one.verdict for one in judged.rows} == {
        RowVerdict.PASS,
        RowVerdict.NOT_TESTED,
        RowVerdict.NOT_APPLICABLE,
    }
    assert [line.id for line in judged.clients] == list(guide().clients)
    assert judged.groups == guide().groups
    assert (judged.guide_id, judged.guide_edition, judged.site) == ("hds-ed21", "21", OPEN_SITE)
    assert len(judged.results) == len(case().results)


def test_a_proxied_site_passes_too() -> None:
    """The rows of the proxy apply there."""
    judged = report(site=PROXY_SITE)
    assert judged.verdict == "pass"
    assert row(judged, "border/connect-80").verdict == "pass"
    assert row(report(), "border/connect-80").verdict == "not-applicable"


def test_rows_and_findings_name_each_other() -> None:
    """Both ways."""
    judged = report(Fault(match=udp, phase=Phase.STUN))
    found = finding(judged, "udp-blocked")
    assert [one.id for one in judged.rows if "udp-blocked" in one.findings] == list(found.rows)
    assert not [one for one in judged.rows if one.verdict == "pass" and one.findings]


def test_the_worst_findings_come_first() -> None:
    """Blocking, degrading, advice."""
    judged = report(
        Fault(match=both(tcp(80), kind("turn"))),
        Fault(match=kind("udp-range"), phase=Phase.TURN_DATA),
        Fault(match=kind("xmpp"), phase=Phase.XMPP, cause=Cause.NOT_XMPP),
    )
    assert [one.severity for one in judged.findings][:1] == ["blocking"]
    assert [one.severity for one in judged.findings] == sorted((o.severity for o in judged.findings), key=_weight)


def _weight(severity: str) -> int:
    return ["blocking", "degrading", "advice"].index(severity)


def test_without_turn_servers_the_reason_says_how_to_give_one() -> None:
    """Media rows are not tested, and that is no pass."""
    judged = report(turn=[])
    media = row(judged, "desktop/p2p-internet")
    assert media.verdict == "not-tested"
    assert all(words in media.reason for words in ("--turn URI", "site file", "--discover"))


def test_without_credentials_media_is_tested_as_far_as_it_goes() -> None:
    """TURN answers; whether it relays is not tested."""
    unknown = Fault(match=kind("udp-range"), outcome=Outcome.SKIPPED, detail="needs TURN credentials")
    judged = case(unknown, have_credentials=False).judged()
    assert row(judged, "desktop/p2p-internet").verdict == "pass"
    assert row(judged, "call/channel").verdict == "not-tested"
    conference = row(judged, "desktop/conference")
    assert (conference.verdict, conference.path) == ("not-tested", "UDP/3478")
    assert conference.reason.startswith("works at least by UDP/3478; UDP/49152-65535 itself was not tested: needs TURN")


def test_nothing_tried_cannot_be_told() -> None:
    """A run that was stopped at once."""
    stopped = Fault(match=lambda _: True, outcome=Outcome.INCONCLUSIVE, cause=Cause.INTERRUPTED)
    judged = report(stopped)
    assert (judged.verdict, judged.findings) == (RowVerdict.INCONCLUSIVE, ())
    nothing = judge(guide(), (), {}, (), Site())
    assert (nothing.verdict, nothing.summary) == (
        RowVerdict.INCONCLUSIVE,
        "It cannot be told: nothing could be tested from here.",
    )


def test_rules_name_source_destination_protocol_and_port() -> None:
    """What an administrator pastes."""
    rule = finding(report(Fault(match=udp, phase=Phase.STUN)), "udp-blocked").rules[0]
    assert rule.format == "text"
    lines = rule.text.splitlines()
    assert lines[0] == "allow outbound UDP (answers belong to the same flow; no inbound rule is needed)"
    assert (
        lines[1] == "  from      this network (this machine: 10.0.0.5), any source port (this machine uses 32768-60999)"
    )
    assert lines[2] == "  to port   3478"
    assert lines[3].startswith(f"  to        {TURN[0]} (now 51.83.83.")
    assert lines[5] == "  or, where names cannot be used, to 51.83.83.128/27, 135.125.46.128/27"
    assert "20000-29999" not in rule.text  # the WebRTC gateway's own are among any source ports


def test_a_rule_does_without_what_is_not_known() -> None:
    """No address, no port range, no address of this machine."""
    bare = case(Fault(match=udp, phase=Phase.STUN), site=Site())
    unresolved = bare.with_each(lambda one: replace(one, steps=one.steps[1:]))
    text = finding(unresolved.judged(), "udp-blocked").rules[0].text
    assert "from      this network, any source port" in text
    assert f"to        {TURN[0]}\n" in text


# Words


def test_every_cause_and_every_actor_has_its_words() -> None:
    """A new one cannot be forgotten."""
    assert set(CAUSES) == set(Cause)
    assert set(ACTORS) == set(Who)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("CN=Acme\\, Inc. CA,O=Acme", "Acme, Inc. CA"),
        ("OU=Demo,O=Example Corp", "Example Corp"),
        ("O=Acme,CN=Box", "Acme"),
        ("C=FR", "C=FR"),
        ("", ""),
        ("an unnamed issuer", "an unnamed issuer"),
    ],
)
def test_issuers_are_told_by_their_short_name(name: str, short: str) -> None:
    """RFC 4514 has escapes, and not all names a CN."""
    assert common_name(name) == short


def test_lists_are_cut_and_counted() -> None:
    """A sentence stays one."""
    assert named("ABCDE") == f"A, B, C and {5 - MOST_NAMED} more"
    assert named("AB") == "A, B"
    assert (count(1, "host"), count(2, "host")) == ("1 host", "2 hosts")
    assert (sentence("it fails"), sentence("Why?")) == ("It fails.", "Why?")


def test_an_issuer_is_named_with_the_reason() -> None:
    """So that the row alone tells who decrypts."""
    told = Fault(match=kind("https"), phase=Phase.TLS, cause=Cause.TLS_INTERCEPTED, facts={"issuer": "CN=Acme"})
    decrypted = next(one for one in case(told).results if one.flow.kind == "https")
    assert all_said([decrypted]) == f"TLS is decrypted on the way (Acme) ({decrypted.flow.target.host})"


# Explanations


@pytest.mark.parametrize(
    "identity",
    ["offline", "udp-blocked", "proxy-denies-8443", "tcp-80-blocked", "seen-tls-timeout-rest", "tcp-PORT-blocked"],
)
def test_every_finding_can_be_explained(identity: str) -> None:
    """By its id; a port stands for itself."""
    assert meaning(identity)


@pytest.mark.parametrize("identity", ["", "nonsense", "tcp-x-blocked", "udp-blocked2"])
def test_what_is_no_finding_has_no_explanation(identity: str) -> None:
    """The caller says so."""
    assert meaning(identity) is None


def test_explanations_are_sentences() -> None:
    """Each part one line."""
    texts = [text for why in FINDINGS.values() for text in (why.means, why.usual, why.do)]
    assert all(text.endswith((".", ".)")) and "\n" not in text for text in texts)


# Whatever the results are

PHASES = [Phase.RESOLVE, Phase.CONNECT, Phase.PROXY, Phase.TLS, Phase.HTTP, Phase.STUN, Phase.TURN_DATA]
FAULTS = st.builds(
    Fault,
    match=st.just(lambda _: True),
    phase=st.sampled_from(PHASES),
    cause=st.sampled_from([cause for cause in Cause if cause not in OUR_OWN]),
    outcome=st.sampled_from(list(Outcome)),
)
SITES = st.sampled_from([OPEN_SITE, PROXY_SITE, Site()])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a site in which a few kinds of flows meet one fault each, and the rest passes."""
    planned = case(site=draw(SITES))
    keys = sorted({_key(one.flow) for one in planned.results})
    faults = draw(st.dictionaries(st.sampled_from(keys), FAULTS, max_size=len(keys)))
    return planned.with_each(lambda one: result(one.flow, faults.get(_key(one.flow))))


def _key(flow: Flow) -> tuple[str, str, int, str]:
    return (flow.kind, flow.target.host, flow.target.port, flow.via)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_each_failure_belongs_to_one_finding(drawn: Case) -> None:
    """None is lost, and none is told twice; the control alone belongs to nobody."""
    scene = drawn.scene()
    failing = {one.flow.id for one in scene.failing if one.flow.kind not in CONTROLS}
    claimed = Counter(_claims(scene))
    assert set(claimed) >= failing
    assert max(claimed.values(), default=0) <= 1


def _claims(scene: Scene) -> Sequence[str]:
    told: list[str] = []
    for finder in FINDERS:
        claims = [one for found in finder(scene) for one in found.claims]
        scene = scene.without(claims)
        told += [one.flow.id for one in claims]
    return told


@settings(max_examples=30, deadline=None)
@given(cases())
def test_every_report_is_whole_and_proven(drawn: Case) -> None:
    """Verdicts, ids and references hold together, and no row passes without a check that does."""
    judged = drawn.judged()
    known = {one.flow.id: one for one in judged.results}
    assert judged.summary
    assert len({*ids(judged)}) == len(judged.findings)
    for found in judged.findings:
        assert found.proof
        assert set(found.proof) <= set(known)
        assert meaning(found.id), found.id
        assert found.title and found.fix  # noqa: PT018 - both or none
    for one in judged.rows:
        assert one.reason
        if one.verdict in {RowVerdict.PASS, RowVerdict.DEGRADED}:
            assert any(known[check].verdict.outcome is Outcome.PASS for check in one.checks)


# Rows, whatever the checks are

WORDS = ["pass", "fail", "fail:quota", "unclear", "unclear:cannot-tell", "skip"]
NEEDS = st.builds(
    need,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from([None, 1, 2]),
    unless_proxied=st.booleans(),
    credentials=st.booleans(),
)
ROWS = st.builds(
    lambda ways, causes: row_spec(*(way(f"way {n}", *needs) for n, needs in enumerate(ways)), causes=causes),
    st.lists(st.lists(NEEDS, min_size=1, max_size=3), min_size=1, max_size=3),
    st.sampled_from([(), (Cause.TIMEOUT,), (Cause.TLS_INTERCEPTED,)]),
)
OUTCOMES = st.lists(st.sampled_from(WORDS), min_size=6, max_size=6)


def tried(words: Sequence[str], site: Site, *, have_credentials: bool) -> Known:
    """Make two hosts for each of three flows."""
    flows = [flow(f"{name}{n}", via=Via.PROXY if site.proxy else Via.DIRECT) for name in "abc" for n in range(2)]
    return Known(
        specs={name: spec(name) for name in "abc"},
        assignments={name: Assignment(flows=(f"{name}0", f"{name}1")) for name in "abc"},
        results={one.id: ended(one, word) for one, word in zip(flows, words, strict=True)},
        site=site,
        have_credentials=have_credentials,
    )


@settings(max_examples=300, deadline=None)
@given(ROWS, OUTCOMES, SITES, st.booleans())
def test_a_row_never_passes_without_a_check_that_does(row_: RowSpec, words: list[str], site: Site, login: bool) -> None:
    """Nor does it fail without one that fails."""
    known = tried(words, site, have_credentials=login)
    one = judge_row(row_, known)
    ends = {known.results[check].verdict.outcome for check in one.checks}
    if one.verdict in {RowVerdict.PASS, RowVerdict.DEGRADED}:
        assert Outcome.PASS in ends
    if one.verdict in {RowVerdict.FAIL, RowVerdict.DEGRADED}:
        assert ends & {Outcome.FAIL, Outcome.INCONCLUSIVE}
    assert one.reason


@settings(max_examples=300, deadline=None)
@given(ROWS, OUTCOMES, SITES, st.booleans(), st.integers(0, 5))
def test_a_failure_that_turns_into_a_pass_never_worsens_a_row(
    row_: RowSpec, words: list[str], site: Site, login: bool, place: int
) -> None:
    """Repairing one thing helps, or changes nothing."""
    worse = [*words[:place], "fail", *words[place + 1 :]]
    better = [*words[:place], "pass", *words[place + 1 :]]
    before = judge_row(row_, tried(worse, site, have_credentials=login))
    after = judge_row(row_, tried(better, site, have_credentials=login))
    assert _rank(after) <= _rank(before)


def _rank(row: Row) -> int:
    """Order verdicts by the best and the worst that they leave possible."""
    match row.verdict:
        case RowVerdict.PASS:
            return 0
        case RowVerdict.NOT_APPLICABLE:
            return 1
        case RowVerdict.FAIL:
            return 4
        case RowVerdict.INCONCLUSIVE if not row.path:
            return 3
        case _:  # works at least by a fallback, or nobody knows yet
            return 2
