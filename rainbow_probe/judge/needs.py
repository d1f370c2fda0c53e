"""One need of a way, judged from the checks planned for it: pass, fail, or why it cannot be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rainbow_probe.capacity import Load
from rainbow_probe.catalogue import FlowSpec, Proxying, Requirement
from rainbow_probe.checks.udp_range import NO_CREDENTIALS
from rainbow_probe.judge.traces import direct, failure, passes, reached, untried
from rainbow_probe.judge.words import all_said, named, reason_of, said
from rainbow_probe.model import UNPROVEN, Assignment, Cause, Outcome, Phase, Result, RowVerdict, Site, Step, Via

NOT_PLANNED = "nothing was planned for it"
UNFINISHED = "it was not tried to its end"
CALL = "call"
"""The kind of check whose groups of steps are rows of their own."""
PROVES_NO_PATH = UNPROVEN | {
    Cause.BAD_CREDENTIALS,
    Cause.QUOTA,
    Cause.CAPACITY,
    Cause.STALE_NONCE_LOOP,
    Cause.ALLOCATION_MISMATCH,
    Cause.TRY_ALTERNATE,
}
"""Causes that lie in us, in what we were given, or in a server that answered: the path itself is not judged by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that rows are judged from."""

    specs: Mapping[str, FlowSpec]
    assignments: Mapping[str, Assignment]
    results: Mapping[str, Result]
    site: Site
    have_credentials: bool = False
    load: Load = field(default_factory=Load)
    """What the site says it has at its busiest time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of a need or of a way."""

    verdict: RowVerdict
    reason: str = ""
    checks: tuple[str, ...] = ()
    proxied: bool = False
    """Whether what passed went through the proxy."""
    elsewhere: bool = False
    """Whether the need means nothing at this site, and so neither does a way that has it."""
    unknowable: bool = False
    """Whether it was tried to its end and cannot be told, by the nature of the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """One check as this need takes it: NOT_APPLICABLE means that it does not count here."""

    verdict: RowVerdict
    why: str = ""
    result: Result | None = None

    @property
    def unknowable(self) -> bool:
        """Whether trying again would tell no more."""
        return self._cause is Cause.CANNOT_TELL

    @property
    def stopped(self) -> bool:
        """Whether the network, and not we, kept it from being told."""
        return self._cause is not None and self._cause not in UNPROVEN

    @property
    def _cause(self) -> Cause | None:
        seen = self.result.verdict.failure if self.result else None
        return seen.cause if seen else None


def judge_need(need: Requirement, known: Known, causes: Iterable[Cause] = ()) -> Judged:
    """Judge *need*; if *causes* are given, only these make a check fail."""
    assignment = known.assignments.get(need.flow, Assignment())
    if not assignment.flows:
        return _unplanned(assignment, need)
    heard = _told_by_the_own([_heard(need, flow, known, frozenset(causes)) for flow in assignment.flows])
    counted = [one for one in heard if one.verdict is not RowVerdict.NOT_APPLICABLE]
    if not counted:
        return Judged(verdict=RowVerdict.NOT_APPLICABLE, reason=heard[0].why, checks=assignment.flows)
    verdict = _together([one.verdict for one in counted], _needed(need, heard, counted))
    if verdict is RowVerdict.PASS and need.credentials and not known.have_credentials:
        return _unproven(need, counted, known, assignment.flows)
    proxied = any(one.result.flow.via is Via.PROXY for one in counted if one.result and passes(one.result))
    return Judged(
        verdict=verdict,
        reason=_why(verdict, counted) or _measured(counted) or _timed(need, counted),
        checks=assignment.flows,
        proxied=proxied,
        unknowable=_unknowable(counted),
    )


def _told_by_the_own(heard: list[_Heard]) -> list[_Heard]:
    """Leave out who stands in for the service's hosts where these have told themselves: rules may be theirs alone."""
    own = [one for one in heard if not (one.result and one.result.flow.params.get("outside"))]
    return own if any(one.verdict in {RowVerdict.PASS, RowVerdict.FAIL} for one in own) else heard


def _unknowable(counted: Sequence[_Heard]) -> bool:
    """Return whether nothing more can be learned: where it could be tried it failed, and elsewhere nothing answers."""
    unclear = [one for one in counted if one.verdict is RowVerdict.INCONCLUSIVE]
    fails = any(one.verdict is RowVerdict.FAIL for one in counted)
    return all(one.unknowable or (fails and one.stopped) for one in unclear)


def _unplanned(assignment: Assignment, need: Requirement) -> Judged:
    if assignment.not_applicable:
        elsewhere = not need.unless_proxied
        return Judged(verdict=RowVerdict.NOT_APPLICABLE, reason=assignment.not_applicable, elsewhere=elsewhere)
    return Judged(verdict=RowVerdict.NOT_TESTED, reason=assignment.not_tested or NOT_PLANNED)


def _unproven(need: Requirement, counted: Sequence[_Heard], known: Known, checks: tuple[str, ...]) -> Judged:
    """Judge what answers, but asks for credentials that there are none of: nothing, where it is not needed anyway."""
    spared = need.unless_proxied and all(behind_proxy(one.result, known) for one in counted if one.result)
    verdict = RowVerdict.NOT_APPLICABLE if spared else RowVerdict.NOT_TESTED
    return Judged(verdict=verdict, reason=NO_CREDENTIALS, checks=checks)


def _heard(need: Requirement, flow: str, known: Known, causes: frozenset[Cause]) -> _Heard:
    result = known.results.get(flow)
    if result is None:
        return _Heard(verdict=RowVerdict.INCONCLUSIVE, why=UNFINISHED)
    if why := _not_counted(need, result, known):
        return _Heard(verdict=RowVerdict.NOT_APPLICABLE, why=why, result=result)
    if need.reach and reached(result, need.reach):
        return _Heard(verdict=RowVerdict.PASS, result=result)
    return _Heard(verdict=_verdict(result, causes), why=_told(result), result=result)


def _not_counted(need: Requirement, result: Result, known: Known) -> str:
    """Say why the check does not count here; empty if it does."""
    skipped = result.verdict.outcome is Outcome.SKIPPED
    if result.flow.kind == "dns" and skipped and failure(result) is None:
        return result.verdict.reason  # the address is given by --map
    if result.flow.kind == CALL and skipped:
        return result.verdict.reason if need.unless_proxied else ""
    if need.unless_proxied and not passes(result) and (skipped or behind_proxy(result, known)):
        return f"not needed here: clients go through the proxy ({said(result)})"
    return ""


def _verdict(result: Result, causes: frozenset[Cause]) -> RowVerdict:
    seen = failure(result)
    if seen is None:
        return _BY_OUTCOME[result.verdict.outcome]
    if causes and seen.cause not in causes:
        return RowVerdict.NOT_TESTED  # it did not come as far as what the row asks; other rows tell of that
    return RowVerdict.INCONCLUSIVE if seen.cause in PROVES_NO_PATH else RowVerdict.FAIL


_BY_OUTCOME = {
    Outcome.PASS: RowVerdict.PASS,
    Outcome.FAIL: RowVerdict.FAIL,
    Outcome.INCONCLUSIVE: RowVerdict.INCONCLUSIVE,
    Outcome.SKIPPED: RowVerdict.NOT_TESTED,
}


def _told(result: Result) -> str:
    known = failure(result) or untried(result)
    return f"{said(result)} ({result.flow.target.host})" if known else reason_of(result)


def _needed(need: Requirement, heard: Sequence[_Heard], counted: Sequence[_Heard]) -> int:
    """Say at how many hosts it must work; those that are not needed here are asked for no longer."""
    if need.least is None:
        return len(counted)
    return need.least if len(counted) == len(heard) else min(need.least, len(counted))


def _together(verdicts: list[RowVerdict], needed: int) -> RowVerdict:
    """Count: what is planned for fewer hosts than needed leaves hosts untested, not failed."""
    possible = max(len(verdicts), needed) - verdicts.count(RowVerdict.FAIL)
    if verdicts.count(RowVerdict.PASS) >= needed:
        return RowVerdict.PASS
    if possible < needed:
        return RowVerdict.FAIL
    return RowVerdict.INCONCLUSIVE if RowVerdict.INCONCLUSIVE in verdicts else RowVerdict.NOT_TESTED


def _why(verdict: RowVerdict, counted: list[_Heard]) -> str:
    """Give the reasons of the checks that decided; of a pass, what failed beside it."""
    deciding = RowVerdict.FAIL if verdict is RowVerdict.PASS else verdict
    held = [one for one in counted if one.verdict is deciding]
    failed = [one.result for one in held if one.result and deciding is RowVerdict.FAIL]
    if verdict is RowVerdict.PASS and failed:
        return f"not at {len(failed)} of {len(counted)}: {all_said(failed)}"
    if failed:
        return all_said(failed)
    told = named(dict.fromkeys(one.why for one in held), 2) or _too_few(verdict, counted)
    beside = [one.result for one in counted if one.result and one.verdict is RowVerdict.FAIL]
    return f"{told}; where it could be tried it fails: {all_said(beside)}" if beside else told


def _measured(counted: list[_Heard]) -> str:
    """Give the numbers of what passed, where it was measured."""
    passed = (one.result for one in counted if one.result and passes(one.result))
    return named(dict.fromkeys(result.verdict.reason for result in passed if result.verdict.measured))


def _timed(need: Requirement, counted: list[_Heard]) -> str:
    """Say how long the phase of *need* took in the first check that came past it, if its row tells that."""
    phase = need.reach if need.timed else None
    results = (one.result for one in counted if one.result and phase and reached(one.result, phase))
    took = (1000 * sum(step.took for step in _steps(result, phase)) for result in results)
    return next((f"in {each:.{1 if each < 10 else 0}f} ms" for each in took), "")


def _steps(result: Result, phase: Phase | None) -> list[Step]:
    """Return the steps of *phase* without those that end it all."""
    return [step for step in result.steps if step.phase is phase and step.facts.get("lifetime") != 0]


def _too_few(verdict: RowVerdict, counted: list[_Heard]) -> str:
    return "" if verdict is RowVerdict.PASS else f"only {len(counted)} could be tried, and more are needed"


def behind_proxy(result: Result, known: Known) -> bool:
    """Return whether clients of the target of *result* go through the site's proxy."""
    if known.site.proxy is None:
        return False
    alike = [known.results[flow] for flow in _clients(known) if flow in known.results]
    same = [other for other in alike if other.flow.target.host == result.flow.target.host]
    return any(not direct(other) for other in same) or (not same and _asks_a_proxy(result.flow.target.host, known))


def _asks_a_proxy(host: str, known: Known) -> bool:
    """Return whether clients of *host* are told to use a proxy; where nobody asked, as the site's setting says."""
    ways = [way for way in known.site.destinations if way.target.host == host]
    return any(way.used for way in ways) or not ways


def _clients(known: Known) -> list[str]:
    """Return the checks that take the way a client would take."""
    proxying = [spec for spec in known.specs.values() if spec.proxy is not Proxying.NO]
    return [flow for spec in proxying for flow in known.assignments.get(spec.id, Assignment()).flows]
