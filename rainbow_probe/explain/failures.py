"""Phases, causes and findings: what they mean, what they usually come from, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.explain.layout import page, section, titled
from rainbow_probe.explanations import FINDINGS, OWN, STAGES, Why, explained
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.terms import Cause, Phase

OUR_OWN = "It says nothing certain of the network: a check that ends so is inconclusive, in any phase."


def explain_phase(phase: Phase) -> str:
    """Explain *phase*, with every cause that can end it."""
    stage = STAGES[phase]
    return page(
        titled(f"{phase}: a phase of a check", stage.about),
        section("How it can fail", (f"{phase}/{cause}: {why.means}" for cause, why in stage.causes.items())),
    )


def explain_cause(cause: Cause) -> str:
    """Explain *cause* in every phase in which it can occur."""
    if cause in OWN:
        return page(titled(f"{cause}: a cause", OUR_OWN), *_parts(OWN[cause]))
    found = [(phase, stage.causes[cause]) for phase, stage in STAGES.items() if cause in stage.causes]
    if len(found) == 1:
        phase, why = found[0]
        return page(titled(f"{cause}: a cause, in phase {phase}", STAGES[phase].about), *_parts(why))
    told = (section(f"In phase {phase}", _lines(why)) for phase, why in found)
    return page(titled(f"{cause}: a cause", "What it means depends on the phase that it ends."), *told)


def explain_failure(phase: Phase, cause: Cause) -> str:
    """Explain *cause* in *phase*; the caller knows that it can occur there."""
    why = explained(phase, cause)
    about = "" if cause in OWN else STAGES[phase].about
    return page(titled(f"{phase}/{cause}: a failure", about), *_parts(why)) if why else ""


def explain_kind(kind: str) -> str:
    """Explain a *kind* of check, an entry of ``KINDS``."""
    one = KINDS[kind]
    findings = section("What usually stands behind its failure", [f"finding {name}" for name in one.findings])
    return page(titled(f"{kind}: a kind of check", f"It passes when {one.passes}."), *([findings] * bool(one.findings)))


def explain_finding(name: str, asked: str) -> str:
    """Explain the finding *name*, an entry of ``FINDINGS``, which was *asked* for by the id in a report."""
    kinds = [kind for kind, one in KINDS.items() if name in one.findings]
    proofs = f"It usually explains failures of: check {', '.join(kinds)}." if kinds else ""
    return page(titled(f"{asked}: a finding", proofs), *_parts(FINDINGS[name]))


def _parts(why: Why) -> Iterable[str]:
    yield section("What was seen", [why.means])
    yield section("What it usually comes from", [why.usual])
    yield section("What to do", [why.do])


def _lines(why: Why) -> Iterable[str]:
    return (why.means, f"Usually: {why.usual}", f"To do: {why.do}")
