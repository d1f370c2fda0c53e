"""The faults to choose from: what each one does to the network or to a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from rainbow_probe.demo.services import FCM, NEUTRAL, RELAYS, TURN_TCP, Service

FAULTS: Mapping[str, str] = MappingProxyType({
    "udp-blocked": "The firewall silently drops all UDP but the queries to the site's resolver.",
    "udp-range-blocked": "The firewall silently drops UDP 49152-65535; UDP/3478 works.",
    "only-443": "The firewall refuses every TCP port but 443, and drops UDP.",
    "fcm-blocked": "The firewall refuses TCP 5228-5230, the ports of Google's push service.",
    "turn-80-inspected": "A box on TCP/80 takes STUN for broken HTTP and answers with a status 400.",
    "tls-intercepted": "A box decrypts TCP/443 under a company's CA, which this machine trusts.",
    "tls-untrusted": "A box decrypts TCP/443 under a company's CA, which this machine does not trust.",
    "proxy-only": "Nothing leaves directly: TCP is refused, UDP dropped; an HTTP proxy opens 443 and 80.",
    "proxy-auth": "As proxy-only, and the proxy asks for a name and a password that the probe is not given.",
    "proxy-denies-80": "As proxy-only, and the proxy refuses CONNECT to port 80.",
    "proxy-no-upgrade": "The site has a proxy that decrypts HTTPS under a trusted CA and takes the Upgrade to "
    "WebSocket out; TURN and the PBX agent's host are exempt.",
    "captive-portal": "A portal answers all of TCP/80 with a redirect to its log-in page; all else is closed.",
    "dns-nxdomain": "The resolver says that Rainbow's names do not exist.",
    "cert-expired": "The certificate of Rainbow's servers ended yesterday.",
    "turn-bad-credentials": "The probe is given a password that the TURN server does not accept.",
    "account-wrong": "The probe is given a wrong password for the account; it is sent once and not again.",
    "offline": "Nothing leaves and nothing answers, the resolver included.",
})

INTERCEPTED = frozenset({"tls-intercepted", "tls-untrusted"})
BEHIND_PROXY = frozenset({"proxy-only", "proxy-auth", "proxy-denies-80", "proxy-no-upgrade"})

_CLOSES: Mapping[str, Callable[[Service], bool]] = {
    "udp-blocked": lambda service: service.carrier == "udp",
    "udp-range-blocked": lambda service: service is RELAYS,
    "only-443": lambda service: service.carrier == "udp" or service.port != 443,
    "fcm-blocked": lambda service: service in FCM,
    "proxy-only": lambda _: True,
    "proxy-auth": lambda _: True,
    "proxy-denies-80": lambda _: True,
    "captive-portal": lambda service: service not in {NEUTRAL, TURN_TCP},
    "offline": lambda _: True,
}


def checked(faults: Collection[str]) -> frozenset[str]:
    """Return *faults* as a set. Raises ``ValueError`` naming the unknown one and those there are."""
    for fault in faults:
        if fault not in FAULTS:
            raise ValueError(f"unknown fault {fault!r}; there are {', '.join(FAULTS)}")
    return frozenset(faults)


def closed(service: Service, faults: Collection[str]) -> bool:
    """Return whether the site's firewall keeps *service* from being reached directly."""
    return any(fault in _CLOSES and _CLOSES[fault](service) for fault in faults)
