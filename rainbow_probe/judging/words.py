"""What phases and causes are called when one tells them to a network administrator."""

from __future__ import annotations

from collections.abc import Mapping

from rainbow_probe.model import Cause, Flow, Phase, Result, Via

_PHASES: Mapping[Phase, str] = {
    Phase.RESOLVE: "looking up the name",
    Phase.CONNECT: "connecting",
    Phase.PROXY: "asking the proxy",
    Phase.TLS: "in the TLS handshake",
    Phase.HTTP: "waiting for the HTTP answer",
    Phase.WEBSOCKET: "upgrading to WebSocket",
    Phase.XMPP: "in the XMPP stream",
    Phase.STUN: "waiting for the STUN answer",
    Phase.TURN_ALLOCATE: "allocating on TURN",
    Phase.TURN_PERMISSION: "asking TURN for a permission",
    Phase.TURN_CHANNEL: "binding a TURN channel",
    Phase.TURN_DATA: "sending data through TURN",
}
_CAUSES: Mapping[Cause, str] = {
    Cause.NXDOMAIN: "the name does not exist for the resolver",
    Cause.NO_ANSWER: "no resolver answers",
    Cause.REFUSED_BY_RESOLVER: "the resolver refuses",
    Cause.TIMEOUT: "no answer",
    Cause.REFUSED: "refused",
    Cause.RESET: "reset",
    Cause.CLOSED: "closed",
    Cause.UNREACHABLE: "unreachable",
    Cause.PROHIBITED: "administratively prohibited",
    Cause.PROXY_AUTH: "the proxy wants credentials",
    Cause.PROXY_DENIED: "the proxy refuses",
    Cause.PROXY_UNREACHABLE: "the proxy cannot be reached",
    Cause.PROXY_RESOLVE_FAILED: "the proxy does not find the name",
    Cause.PROXY_TARGET_FAILED: "the proxy does not reach the server",
    Cause.TLS_UNTRUSTED: "a certificate this machine does not trust",
    Cause.TLS_INTERCEPTED: "TLS is decrypted on the way",
    Cause.TLS_EXPIRED: "the certificate has expired",
    Cause.TLS_NOT_YET_VALID: "the certificate is not valid yet",
    Cause.TLS_WRONG_NAME: "a certificate for another name",
    Cause.HTTP_INSTEAD_OF_STUN: "an HTTP answer came instead of STUN",
    Cause.NOT_STUN: "something else came instead of STUN",
    Cause.UPGRADE_REFUSED: "the upgrade was refused",
    Cause.BAD_CREDENTIALS: "the TURN credentials are refused",
    Cause.NO_DATA_BACK: "nothing came back through the relay",
    Cause.PARTLY_OPEN: "only part of the ports is open",
    Cause.CUT_AFTER_IDLE: "the idle link was cut",
}
_TOLD_BY_REASON = frozenset({Cause.INTERRUPTED, Cause.BUDGET, Cause.UNKNOWN, Cause.CANNOT_TELL})


def in_words(result: Result) -> str:
    """Say in a few words how a check ended, and where."""
    failure = result.verdict.failure
    if failure is None or failure.cause in _TOLD_BY_REASON:
        return f"{place(result.flow)}: {result.verdict.reason}"
    cause = _CAUSES.get(failure.cause, failure.cause.value.replace("-", " "))
    return f"{place(result.flow)}: {cause} {_PHASES[failure.phase]}"


def place(flow: Flow) -> str:
    """Name what a flow goes to, and how: ``turn.example.org UDP/3478``."""
    through = " through the proxy" if flow.via is Via.PROXY else ""
    return f"{flow.target.host} {flow.transport.upper()}/{flow.target.port}{through}"
