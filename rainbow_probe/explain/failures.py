"""Phases, causes and findings: what they mean, what they usually come from, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from rainbow_probe.explain.layout import page, section, titled
from rainbow_probe.explanations import FINDINGS, OWN, STAGES, Why, explained
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.language import Language, later
from rainbow_probe.terms import Cause, Phase

OUR_OWN = later("It says nothing certain of the network: a check that ends so is inconclusive, in any phase.")


def explain_phase(phase: Phase, language: Language) -> str:
    """Explain *phase*, with every cause that can end it."""
    stage = STAGES[phase]
    told = (f"{phase}/{cause}{language.colon} {language.whole(why.means)}" for cause, why in stage.causes.items())
    return page(
        titled(language.say("{word}: a phase of a check", word=phase), language.whole(stage.about)),
        section(language.say("How it can fail"), told),
    )


def explain_cause(cause: Cause, language: Language) -> str:
    """Explain *cause* in every phase in which it can occur."""
    say = language.say
    title = say("{word}: a cause", word=cause)
    if cause in OWN:
        return page(titled(title, say(OUR_OWN)), *_parts(OWN[cause], language))
    found = [(phase, stage.causes[cause]) for phase, stage in STAGES.items() if cause in stage.causes]
    if len(found) == 1:
        phase, why = found[0]
        title = say("{word}: a cause, in phase {phase}", word=cause, phase=phase)
        return page(titled(title, language.whole(STAGES[phase].about)), *_parts(why, language))
    told = (section(say("In phase {phase}", phase=phase), _lines(why, language)) for phase, why in found)
    return page(titled(title, say("What it means depends on the phase that it ends.")), *told)


def explain_failure(phase: Phase, cause: Cause, language: Language) -> str:
    """Explain *cause* in *phase*; the caller knows that it can occur there."""
    why = explained(phase, cause)
    about = "" if cause in OWN else language.whole(STAGES[phase].about)
    title = language.say("{word}: a failure", word=f"{phase}/{cause}")
    return page(titled(title, about), *_parts(why, language)) if why else ""


def explain_kind(kind: str, language: Language) -> str:
    """Explain a *kind* of check, an entry of ``KINDS``."""
    one, say = KINDS[kind], language.say
    findings = section(
        say("What usually stands behind its failure"), [say("finding {name}", name=name) for name in one.findings]
    )
    passes = say("It passes when {passes}.", passes=language.whole(one.passes))
    return page(titled(say("{word}: a kind of check", word=kind), passes), *([findings] * bool(one.findings)))


def explain_finding(name: str, asked: str, language: Language) -> str:
    """Explain the finding *name*, an entry of ``FINDINGS``, which was *asked* for by the id in a report."""
    kinds = ", ".join(kind for kind, one in KINDS.items() if name in one.findings)
    proofs = language.say("It usually explains failures of: check {kinds}.", kinds=kinds) if kinds else ""
    return page(titled(language.say("{word}: a finding", word=asked), proofs), *_parts(FINDINGS[name], language))


def _parts(why: Why, language: Language) -> Iterable[str]:
    yield section(language.say("What was seen"), [language.whole(why.means)])
    yield section(language.say("What it usually comes from"), [language.whole(why.usual)])
    yield section(language.say("What to do"), [language.whole(why.do)])


def _lines(why: Why, language: Language) -> Iterable[str]:
    usual, do = language.whole(why.usual), language.whole(why.do)
    return (
        language.whole(why.means),
        language.say("Usually: {usual}", usual=usual),
        language.say("To do: {do}", do=do),
    )
