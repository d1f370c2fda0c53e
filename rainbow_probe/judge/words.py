"""Causes, phases and places in words that a network administrator uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rainbow_probe.judge.traces import direct, failure, issuer, untried
from rainbow_probe.model import OUR_OWN, Cause, Failure, Flow, Phase, Result, Transport

MOST_NAMED = 3  # names in one sentence; the rest is counted

CAUSES: Mapping[Cause, str] = MappingProxyType({
    Cause.NXDOMAIN: "the name does not exist, says the resolver",
    Cause.NO_ANSWER: "the name look-up gets no answer",  # not "no resolver answers": one may, over TCP
    Cause.REFUSED_BY_RESOLVER: "the resolver answers with an error",
    Cause.WRONG_ADDRESS: "the name leads to an address that cannot be right",
    Cause.TIMEOUT: "no answer",
    Cause.REFUSED: "refused",
    Cause.RESET: "the connection is cut",
    Cause.CLOSED: "the connection is closed without an answer",
    Cause.UNREACHABLE: "there is no way to it (unreachable)",
    Cause.PROHIBITED: "a packet filter rejects it (administratively prohibited)",
    Cause.PROXY_AUTH: "the proxy wants credentials (407)",
    Cause.PROXY_AUTH_UNTRIED: "the proxy wants a log-in that cannot be made from here; others may get through",
    Cause.PROXY_DENIED: "the proxy refuses the tunnel",
    Cause.PROXY_UNREACHABLE: "the proxy cannot be reached",
    Cause.PROXY_RESOLVE_FAILED: "the proxy cannot resolve the name",
    Cause.PROXY_TARGET_FAILED: "the proxy cannot reach the target",
    Cause.PROXY_HTTP10: "the proxy speaks HTTP/1.0",
    Cause.PROXY_CAPACITY: "the proxy holds fewer tunnels at once than this site needs",
    Cause.PAC_BROKEN: "the PAC file cannot be used",
    Cause.TLS_UNTRUSTED: "the certificate comes from an issuer that is not trusted",
    Cause.TLS_INTERCEPTED: "TLS is decrypted on the way",
    Cause.TLS_EXPIRED: "the certificate has expired",
    Cause.TLS_NOT_YET_VALID: "the certificate is not valid yet",
    Cause.TLS_WRONG_NAME: "the certificate is for another name",
    Cause.TLS_ALERT: "the TLS handshake fails",
    Cause.NOT_TLS: "what answers is not TLS",
    Cause.CAPTIVE_PORTAL: "a log-in page answers instead",
    Cause.BLOCK_PAGE: "a block page answers instead",
    Cause.NOT_HTTP: "what answers is not HTTP",
    Cause.NOT_SOCKS: "what answers is not SOCKS",
    Cause.SERVER_ERROR: "the server reports an error of its own",
    Cause.UNEXPECTED_REPLY: "the answer is not the service's",
    Cause.UPGRADE_REFUSED: "the upgrade to WebSocket is refused",
    Cause.SUBPROTOCOL_MISSING: "the WebSocket opens without XMPP",
    Cause.WRONG_DOMAIN: "another XMPP domain answers",
    Cause.STREAM_ERROR: "the XMPP server ends the stream with an error",
    Cause.NOT_XMPP: "what answers is not XMPP",
    Cause.CUT_AFTER_IDLE: "the connection is cut when it is idle",
    Cause.CUT_AFTER_TIME: "the connection is cut after a time, idle or not",
    Cause.CUT_AFTER_BYTES: "the connection is cut after a number of bytes",
    Cause.ACCOUNT_WRONG: "the service does not accept the account's password",
    Cause.ACCOUNT_LOCKED: "the account is locked",
    Cause.ACCOUNT_INACTIVE: "the account is not active",
    Cause.ACCOUNT_REFUSED: "the service does not let this account or application in",
    Cause.NOT_SIP: "what answers is not SIP",
    Cause.NOT_NTP: "what answers is not NTP",
    Cause.NOT_SSH: "what answers is not SSH",
    Cause.NOT_STUN: "what answers is not STUN",
    Cause.HTTP_INSTEAD_OF_STUN: "HTTP answers where TURN should",
    Cause.BAD_CREDENTIALS: "the TURN credentials are not accepted",
    Cause.FORBIDDEN: "the TURN server forbids it (403)",
    Cause.QUOTA: "the TURN quota of this user is used up (486)",
    Cause.CAPACITY: "the TURN server has no relay to spare (508)",
    Cause.ALLOCATION_MISMATCH: "the TURN server mixes up allocations (437)",
    Cause.UNSUPPORTED_TRANSPORT: "the TURN server does not relay UDP (442)",
    Cause.STALE_NONCE_LOOP: "the TURN server keeps asking for a new nonce (438)",
    Cause.TRY_ALTERNATE: "the TURN server points to another one (300)",
    Cause.BAD_INTEGRITY: "the answer's integrity does not verify",
    Cause.STUN_ERROR: "the TURN server answers with an error",
    Cause.PERMISSION_DENIED: "the TURN server refuses the peer",
    Cause.NO_DATA_BACK: "nothing comes back through the relay",
    Cause.LARGE_LOST: "small packets come back, large ones do not",
    Cause.WENT_SILENT: "it worked at first, and then nothing passed any more",
    Cause.ALTERED: "it arrives, and is not what was sent",
    Cause.RATE_LIMITED: "only so many packets a second pass, fewer than a call needs",
    Cause.LOSS: "more packets are lost than calls bear",
    Cause.LATENCY: "packets take longer than calls bear",
    Cause.JITTER: "packets come more unevenly than calls bear",
    Cause.PARTLY_OPEN: "only some ports are open",
    Cause.ONE_WAY: "packets go out, and what comes back is lost",
    Cause.CANNOT_TELL: "what was seen has more than one reading",
    Cause.BUDGET: "the time of the run was over",
    Cause.INTERRUPTED: "it was stopped",
    Cause.UNKNOWN: "this machine could not try it, or the probe has a fault",
})
SILENCE: Mapping[Phase, str] = MappingProxyType({
    Phase.RESOLVE: "the name look-up gets no answer",
    Phase.CONNECT: "no answer to the connection request",
    Phase.PROXY: "the proxy does not answer CONNECT",
    Phase.TLS: "it connects, but TLS gets no answer",
    Phase.HTTP: "it connects, but HTTP gets no answer",
    Phase.WEBSOCKET: "it connects, but the upgrade to WebSocket gets no answer",
    Phase.XMPP: "the WebSocket opens, but XMPP gets no answer",
    Phase.ACCOUNT: "signing in gets no answer",
    Phase.STUN: "STUN gets no answer",
    Phase.SIP: "SIP gets no answer",
    Phase.NTP: "NTP gets no answer",
    Phase.SSH: "it connects, but no SSH server says a word",
    Phase.ICE: "data passes, but the connectivity checks of a call get no answer",
    Phase.DTLS: "data passes, but the DTLS handshake of a call gets no answer",
    Phase.MEDIA: "data passes, but the voice of a call does not",
})
MEASURED = frozenset({Cause.LOSS, Cause.LATENCY, Cause.JITTER})
"""Causes that are numbers: their detail says more than any word for them."""
_COMMON_NAME = re.compile(r"(?:^|,)(?:CN|O)=((?:\\.|[^,+\\])+)")


def said(result: Result) -> str:
    """Say in a few words why *result* failed."""
    seen = result.verdict.failure if untried(result) else failure(result)
    if seen is None:
        return reason_of(result)
    if seen.cause in MEASURED:
        return seen.detail
    if seen.cause is Cause.TIMEOUT:
        return SILENCE.get(seen.phase, CAUSES[Cause.TIMEOUT])
    by = issuer(result) if seen.cause in {Cause.TLS_INTERCEPTED, Cause.TLS_UNTRUSTED} else ""
    return f"{CAUSES[seen.cause]} ({common_name(by)})" if by else CAUSES[seen.cause]


def reason_of(result: Result) -> str:
    """Return the reason of *result* in words where the check's own names a failure by its ids."""
    seen, reason = result.verdict.failure, result.verdict.reason
    return reason.replace(str(seen), _in_words(seen)) if seen else reason


def _in_words(seen: Failure) -> str:
    if seen.cause in MEASURED | {Cause.CANNOT_TELL}:
        return seen.detail
    if seen.cause is Cause.TIMEOUT:
        return SILENCE.get(seen.phase, seen.detail)
    return f"{CAUSES[seen.cause]} ({seen.detail})" if seen.cause in OUR_OWN and seen.detail else CAUSES[seen.cause]


def all_said(results: Iterable[Result]) -> str:
    """Say why *results* failed: each reason once, with the hosts it holds for."""
    by_reason: dict[str, list[str]] = {}
    for result in results:
        by_reason.setdefault(said(result), []).append(result.flow.target.host)
    return "; ".join(f"{reason} ({named(dict.fromkeys(hosts))})" for reason, hosts in by_reason.items())


def named(items: Iterable[object], most: int = MOST_NAMED) -> str:
    """List the first *most* of *items*, and count the rest."""
    listed = [str(item) for item in items]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def hosts(results: Iterable[Result], most: int = MOST_NAMED) -> str:
    """Name the hosts of *results*, each once."""
    return named(dict.fromkeys(result.flow.target.host for result in results), most)


def count(number: int, noun: str) -> str:
    """Return *number* with its *noun*, as in ``1 host`` and ``2 addresses``."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def door(flow: Flow) -> str:
    """Name what a firewall sees of *flow*: ``UDP/3478`` or ``TCP/443``."""
    return f"{'UDP' if flow.transport is Transport.UDP else 'TCP'}/{flow.target.port}"


def way(result: Result) -> str:
    """Name what a check went by: ``TLS/443``, the proxy, and HTTP where that was asked in place of TURN."""
    place = f"{result.flow.transport.upper()}/{result.flow.target.port}"
    place = place if direct(result) else f"{place} (through the proxy)"
    return f"{place} (to HTTP, as TURN servers do)" if result.flow.kind == "answers" else place


def common_name(distinguished: str) -> str:
    """Return the first CN (else O) of a distinguished name as RFC 4514 writes it; all of it if it has neither."""
    found = _COMMON_NAME.search(distinguished)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else distinguished


def sentence(text: str) -> str:
    """Return *text* with a capital first and a full stop last."""
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return ended[:1].upper() + ended[1:]
