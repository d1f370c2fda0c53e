"""Every failure that can occur is explained, and none that cannot."""

from __future__ import annotations

from rainbow_probe.explanations import OWN, STAGES, explained
from rainbow_probe.model import OUR_OWN, Cause, Phase


def test_every_phase_is_explained() -> None:
    """In their order."""
    assert list(STAGES) == list(Phase)
    assert all(stage.phase is phase and stage.about.endswith((".", "?")) for phase, stage in STAGES.items())


def test_every_cause_is_explained_somewhere() -> None:
    """A cause that nothing gives has no place in the enum."""
    assert {cause for stage in STAGES.values() for cause in stage.causes} | set(OWN) == set(Cause)


def test_our_own_faults_stand_apart() -> None:
    """What says nothing of the network means the same in any phase."""
    assert set(OWN) == set(OUR_OWN)
    assert all(explained(phase, cause) is why for phase in Phase for cause, why in OWN.items())


def test_an_explanation_is_whole() -> None:
    """What it means, its usual reason, and what to do: each one sentence or more, in one line."""
    for causes in (OWN, *(stage.causes for stage in STAGES.values())):
        for why in causes.values():
            for text in (why.means, why.usual, why.do):
                assert text.endswith(".")
                assert not set(text) & set("\n|")


def test_what_cannot_occur_is_not_explained() -> None:
    """A certificate is never judged by a resolver."""
    assert explained(Phase.RESOLVE, Cause.TLS_EXPIRED) is None
    assert explained(Phase.TLS, Cause.TLS_EXPIRED)
