"""What each kind of check proves, and the findings that usually stand behind its failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of check."""

    passes: str
    """When it passes, as the end of a sentence."""
    findings: tuple[str, ...]
    """Entries of ``FINDINGS``, the most usual first."""


def _kind(passes: str, *findings: str) -> Kind:
    return Kind(passes=passes, findings=findings)


_WEB = ("tcp-PORT-blocked", "tcp-PORT-partly", "proxy-denies-name", "tls-intercepted", "dns-nxdomain", "clock-wrong")
_TURN = ("udp-blocked", "tcp-PORT-blocked", "proxy-denies-PORT", "http-inspection-PORT", "tls-intercepted")

KINDS: Mapping[str, Kind] = MappingProxyType({
    "dns": _kind(
        "the system's resolver gives an address; each configured resolver is asked too, over UDP and TCP, for the "
        "record",
        *("dns-nxdomain", "dns-no-answer", "dns-refused", "udp-53-blocked", "dns-hijack", "dns-sinkhole"),
        *("dns-alias", "dns-slow"),
    ),
    "https": _kind(
        "the host answers over validated TLS; of the REST API, the JSON of its own `ping` and `about`",
        *(*_WEB, "block-page"),
    ),
    "xmpp": _kind(
        "the Upgrade to WebSocket is taken for subprotocol `xmpp`, the stream opens for the right domain with its "
        "features, a ping is answered, and the link lives after a hold",
        *("proxy-no-upgrade", *_WEB),
    ),
    "account": _kind(
        "an account signs in at the REST API and is told the TURN servers, which are then tested with its credentials; "
        "only with `--account`, one attempt a run",
        *("account-wrong", "account-locked", "account-inactive", "account-refused"),
    ),
    "xmpp-account": _kind(
        "the account signs in at XMPP over the WebSocket by SCRAM, with what the REST API gives it for that, and the "
        "server proves that it knows the password; only with `--account-xmpp`, one attempt a run",
        *("account-refused", "account-inactive"),
    ),
    "turn": _kind(
        "the TURN server answers in its own protocol: to a Binding, and to an Allocate with realm and nonce; with "
        "credentials, when data comes back through the relay",
        *(*_TURN, "turn-bad-credentials", "turn-unreachable"),
    ),
    "call": _kind(
        "two ICE agents of our own call each other through the relay: connectivity checks, DTLS-SRTP, a channel, and "
        "voice that the other end authenticates; only with credentials, and where `turn` came as far",
        *("ice-filtered", "dtls-filtered", "srtp-filtered", "path-goes-silent", "call-altered"),
    ),
    "udp-range": _kind(
        "datagrams sent to 64 relayed ports, which lie in that range, come out of the relay, and what it sends back "
        "arrives: the TURN servers stand in for the conference servers; only with credentials",
        *("udp-range-blocked", "udp-range-partly", "udp-range-one-way"),
    ),
    "relay-reach": _kind(
        "the relay of another TURN server reaches the relayed ports of this one; run only where they are out of reach "
        "from here, and no row rests on it: what fails from there too is no fault of this network",
        *("udp-range-blocked", "udp-range-one-way"),
    ),
    "sweep": _kind(
        "every UDP port of the range answers at a responder in the peer's place; only with `--peer`",
        *("lan-ports-closed", "lan-ports-partly"),
    ),
    "sweep-in": _kind(
        "what a responder in the peer's place sends unasked arrives at every UDP port of the range here",
        *("lan-ports-closed", "lan-ports-partly"),
    ),
    "sip": _kind("the PBX answers OPTIONS, be it with an error; only with `--pbx`", "lan-sip-fails", "sip-rewritten"),
    "sips": _kind(
        "the PBX answers OPTIONS over TLS, whatever its certificate, which is told; only with `--pbx-tls`, and no row "
        "rests on it, because this edition of the guide has none for SIP over TLS",
        *("lan-sips-fails", "lan-sips-certificate"),
    ),
    "ntp": _kind("the time server answers, and has a time; only with `--ntp`", "lan-ntp-fails", "ntp-wrong"),
    "ssh": _kind("an SSH server says its first line; only with `--gateway`", "lan-ssh-fails"),
    "push": _kind(
        "the push service completes TLS with the certificate expected of it",
        *("push-ports-blocked", "direct-blocked", "tls-intercepted"),
    ),
    "proxy": _kind(
        "the proxy opens a tunnel and speaks HTTP/1.1",
        *("proxy-unreachable", "proxy-auth", "proxy-denied", "proxy-http10", "proxy-not-http"),
    ),
    "proxy-capacity": _kind(
        "the proxy holds as many tunnels open at once as the site's numbers need; only with `--proxy-capacity`",
        "proxy-capacity",
    ),
    "proxy-policy": _kind(
        "the proxy shows whether it lets through what no client needs (CONNECT to port 25), or plain HTTP; asked once "
        "of each proxy, and no row rests on it",
        "proxy-open-ports",
    ),
    "portal": _kind(
        "a neutral host is what it should be; no row rests on it, but it tells captive portals and wrong clocks from "
        "other faults",
        *("captive-portal", "http-filtered"),
    ),
    "made-up": _kind(
        "a name made up on the spot does not exist, with and without the domains that this machine adds; asked where "
        "several hosts that fail share an address",
        *("dns-rewrites", "dns-search-domain"),
    ),
    "answers": _kind(
        "somebody answers at that address and port in the protocol asked; run only on a suspicion, and no row rests on "
        "it",
        *("name-filtered", "mtu-black-hole", "http-inspection-PORT"),
    ),
    "mtu": _kind(
        "datagrams of some size reach the STUN server in one piece; run only where large packets are lost, and no row "
        "rests on it",
        *("mtu-black-hole", "udp-size-filtered"),
    ),
    "pace": _kind(
        "datagrams come back when sent slowly, or fast; run only where many were lost, and no row rests on it",
        *("udp-rate-limited", "packet-loss"),
    ),
    "nat": _kind(
        "two addresses of TURN servers say as what they see one UDP socket; run only where both answer, and no row "
        "rests on it: it tells how a NAT maps ports, which is a fact of the site and no fault",
    ),
    "nat64": _kind(
        "it could be told whether this network leads to IPv4 hosts through IPv6 addresses that its resolver makes "
        "(NAT64 with DNS64, RFC 7050); asked where this machine has IPv6 only, or such addresses are met, and no row "
        "rests on it",
    ),
    "push-idle": _kind(
        "idle links to the push service are answered when they are woken, up to the time asked for; only with "
        "`--push-idle`, and no row rests on it",
        "push-idle-cut",
    ),
    "udp-binding": _kind(
        "UDP flows to a relay are kept for longer without traffic than clients are silent; with `--full`, and no row "
        "rests on it",
        "udp-binding-short",
    ),
    "volume": _kind(
        "a megabyte and a half pass on one connection through the proxy; with `--full`, and no row rests on it",
        "proxy-byte-cut",
    ),
    "quality": _kind(
        "packets of five calls side by side pass through the relay with no more loss, delay and jitter than the guide "
        "allows, each with its whole interval; run alone when all else has ended, and only with credentials; over the "
        "ways that clients do not take here it is a control that no row rests on",
        *("packet-loss", "high-latency", "high-jitter"),
    ),
    "bandwidth": _kind(
        "the way of calls was loaded in steps, up to what this site needs and never beyond `--bandwidth-cap`; how much "
        "passed is compared row by row, and what twice as many streams side by side do not meet is a limit of each "
        "session, which fails no row; run alone behind the quality of voice, and only with credentials",
        *("bandwidth-short", "long-queues"),
    ),
    "download": _kind(
        "what the CDN serves came in over HTTPS, by the way that browsers take, up to as much as the site needs in two "
        "seconds; needs of the way in are compared with that, too; left out by `--quick`, and no row fails by it",
        "bandwidth-short",
    ),
    "ports": _kind("this machine's dynamic ports lie in the guide's range"),
})
