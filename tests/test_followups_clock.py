"""Certificates that are out of date are followed up by what time their own servers say it is."""

from __future__ import annotations

import pytest

from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.ask import FEW
from rainbow_probe.followups.clock import dates
from rainbow_probe.model import Cause, Flow, Phase
from tests.judge_samples import OPEN_SITE, Fault, case, guide, tls


def asked(cause: Cause) -> list[Flow]:
    """Return the controls at a site where all TLS fails for *cause*."""
    results = case(Fault(match=tls, phase=Phase.TLS, cause=cause)).results
    return follow_up(Sofar(guide=guide(), site=OPEN_SITE, results={one.flow.id: one for one in results}), [dates])


@pytest.mark.parametrize("cause", [Cause.TLS_EXPIRED, Cause.TLS_NOT_YET_VALID])
def test_a_few_web_servers_are_asked_for_the_time(cause: Cause) -> None:
    """Those that speak HTTP, and not all of them: they share what they say."""
    flows = asked(cause)
    assert 1 < len(flows) <= FEW
    assert {(flow.kind, flow.params["speak"]) for flow in flows} == {("answers", "tls+http")}
    assert all(flow.control_of.startswith("https/") for flow in flows)


def test_other_bad_certificates_have_nothing_to_do_with_the_time() -> None:
    """Nobody is asked."""
    assert asked(Cause.TLS_WRONG_NAME) == []
