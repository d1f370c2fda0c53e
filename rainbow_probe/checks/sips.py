"""SIP over TLS to the PBX, which newer editions of the guide list: OPTIONS, and what certificate is shown.

A PBX shows a certificate of its company or one that it made itself, and only its gateway knows whom to trust: what this
machine does not trust is told beside the answer, and stops nothing.
"""

from __future__ import annotations

from dataclasses import replace

from rainbow_probe.checks import sip
from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Flow, Phase, Verdict
from rainbow_probe.net.paths import Hop, each_address
from rainbow_probe.net.route import Route
from rainbow_probe.net.tls import Expectation

STRICT, LOOSE = Expectation(own=True), Expectation(anybody=True)
OF_CERTIFICATES = frozenset({
    Cause.TLS_UNTRUSTED,
    Cause.TLS_EXPIRED,
    Cause.TLS_NOT_YET_VALID,
    Cause.TLS_WRONG_NAME,
})


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Ask as a client that verifies; where only the certificate stops that, as one that does not."""

    async def attempt(hop: Hop) -> Verdict:
        try:
            return await sip.asked(hop, flow, route, rec, STRICT)
        except StepError as exc:
            if exc.failure.phase is not Phase.TLS or exc.failure.cause not in OF_CERTIFICATES:
                raise
            answered = await sip.asked(hop, flow, route, rec, LOOSE)
            shown = f"its certificate is none that this machine takes ({exc.failure.cause})"
            return replace(answered, reason=f"{answered.reason}; {shown}")

    return await each_address(flow, route, rec, attempt)
