"""What each finding means and what proves it, by its id; ``PORT`` stands for a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

FINDINGS: Mapping[str, str] = MappingProxyType({
    "offline": "No peer beyond this machine sent a byte, not even a resolver.",
    "only-dns": "Resolvers answer, and nothing else does.",
    "captive-portal": "A neutral web host is answered by a log-in page, and nothing of the service gets through.",
    "http-filtered": "Plain HTTP to a neutral host is answered by somebody else, while the service can be reached.",
    "dns-nxdomain": "The resolver says that these names do not exist.",
    "dns-refused": "The resolver answers with an error (REFUSED, SERVFAIL).",
    "dns-no-answer": "No resolver gave a usable answer for these names.",
    "dns-hijack": "Names of unrelated domains lead to one address, whose server shows that it is none of them.",
    "dns-sinkhole": "Names lead to addresses at which nothing can be, such as 0.0.0.0: a filter answers so.",
    "udp-53-blocked": "Resolvers answer over TCP and never over UDP.",
    "dns-private": "The system's resolver gives addresses inside the site for public names.",
    "resolver-dead": "One configured resolver never answers, over UDP or TCP, while another does.",
    "addresses-moved": "Names lead outside the address ranges that the edition lists; they may simply have changed.",
    "proxy-unreachable": "No check reached the proxy: no connection came about, or its name does not resolve.",
    "proxy-silent": "The proxy takes connections and never answers CONNECT.",
    "proxy-not-http": "What listens at the proxy's address answers, and not in HTTP.",
    "proxy-passes-nothing": "The proxy says 200 to CONNECT, and no target is heard through any tunnel.",
    "proxy-address-dead": "Some addresses of the proxy do not work, while others do.",
    "proxy-auth": "The proxy answers 407; the schemes it offers are named.",
    "proxy-denied": "The proxy refuses every CONNECT.",
    "proxy-denies-PORT": "The proxy refuses CONNECT to this port, to whichever host, and opens tunnels to others.",
    "proxy-denies-name": "The proxy refuses these names, and opens tunnels to others.",
    "proxy-denies-addresses": "The proxy refuses CONNECT by address, and opens tunnels to the same hosts by name.",
    "proxy-dns": "The proxy says that it cannot resolve these names.",
    "proxy-target-failed": "The proxy says that it cannot reach these targets (502, 503, 504).",
    "proxy-http10": "The proxy answers CONNECT in HTTP/1.0.",
    "proxy-no-upgrade": "The upgrade to WebSocket is refused, HTTPS to the same host by the same way works.",
    "clock-wrong": "Servers' dates are days away from this machine's, or unrelated certificates are out of date.",
    "tls-intercepted": "The certificates' issuer is trusted by this machine only, or shows on unrelated domains.",
    "tls-untrusted": "Certificates come from an issuer that is not trusted; whose it is, is not proven.",
    "certificate-expired": "Certificates have expired, by a clock that nothing disproves.",
    "certificate-not-yet-valid": "Certificates are not valid yet, by a clock that nothing disproves.",
    "certificate-wrong-name": "The certificate shown lists other names than the one asked for.",
    "block-page": "A box that decrypts TLS answers with a page of its own.",
    "direct-blocked": "Nothing gets out past the proxy, while the same hosts answer through it.",
    "server-mute": "Connections are taken on every host of a port, and nothing ever answers.",
    "http-inspection-PORT": "HTTP (or other bytes) answers in place of TURN, which the same server speaks elsewhere.",
    "tcp-PORT-cut": "The connection is closed at the first STUN message, while the same server speaks TURN elsewhere.",
    "tcp-PORT-silent": "STUN over TCP gets no answer, while the same server speaks TURN elsewhere.",
    "tls-PORT-cut": "The connection is closed at the first STUN message inside TLS; elsewhere the server speaks TURN.",
    "tls-PORT-silent": "STUN inside TLS gets no answer, while the same server speaks TURN elsewhere.",
    "udp-blocked": "No TURN server answers over UDP, and at least one of them does over TCP or TLS.",
    "udp-source-blocked": "UDP passes from some source ports only: the same server answers to others.",
    "udp-range-blocked": "Datagrams to the conference servers' range never arrive at the relay.",
    "udp-range-partly": "Some ports of the conference servers' range are open, others are not.",
    "tcp-PORT-blocked": "No host takes connections on this port, while the same hosts answer by another door.",
    "push-ports-blocked": "No push host takes connections on these ports, while other TCP gets out.",
    "turn-bad-credentials": "The TURN server answers, and does not accept the credentials.",
    "turn-forbidden": "The TURN server forbids the allocation (403).",
    "turn-permission-denied": "The TURN server refuses to relay to the peer.",
    "turn-quota": "The quota of this TURN user is used up (486).",
    "turn-capacity": "The TURN server has no relay address to spare (508).",
    "turn-allocation-mismatch": "The TURN server mixes up allocations (437).",
    "turn-unsupported-transport": "The TURN server does not relay UDP (442).",
    "turn-stale-nonce-loop": "The TURN server rejects every nonce that it gives (438).",
    "turn-try-alternate": "The TURN server points to another one (300).",
    "turn-stun-error": "The TURN server answers with an error.",
    "turn-no-data-back": "The TURN server relays nothing back.",
    "turn-bad-integrity": "Answers do not verify under the TURN password.",
    "turn-unreachable": "No TURN server answered on any transport; whose fault it is, is not proven.",
    "address-dead": "Some addresses of names that work do not answer: a fail-over would meet them.",
    "address-wrong": "Some addresses of names that work answer wrongly, for example with an expired certificate.",
    "turn-by-address": "A TURN server was given by address, so that its certificate cannot be judged.",
    "mapped-differs": "One TURN server sees this machine come from different addresses, or from a private one.",
    "seen-PHASE-CAUSE-GROUP": "A failure without a proven cause, as it was seen.",
})


def meaning(identity: str) -> str | None:
    """Return what the finding with *identity* means, or None if there is no such finding."""
    return next((text for name, text in FINDINGS.items() if _pattern(name).fullmatch(identity)), None)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(name.replace("PORT", r"(?:\d+|PORT)").replace("PHASE-CAUSE-GROUP", ".+") + "(?:-more)*")
