"""Who is who in the lab's Internet: one address a name, so that a wrong answer is seen as one.

IPv4 from 198.18.0.0/15 and IPv6 from 2001:2::/48, both set apart for tests (RFC 2544, RFC 5180).
"""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "openrainbow.health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host of the cloud; *number* makes its addresses, *ca* signs its certificate."""

    name: str
    number: int
    ca: str = "public"

    @property
    def v4(self) -> str:
        """The IPv4 address."""
        return f"198.18.0.{self.number}"

    @property
    def v6(self) -> str:
        """The IPv6 address."""
        return f"2001:2::{self.number}"


REST = Host(name=DOMAIN, number=10)
WEB = tuple(
    Host(name=f"{label}.{DOMAIN}", number=number)
    for number, label in enumerate(("web", "cdn", "meet", "webinar", "files-hds"), start=11)
)
CDN = WEB[1]
AGENT = Host(name=f"agent.{DOMAIN}", number=16, ca="operator")
MAIL = (Host(name=f"smtp.{DOMAIN}", number=17), Host(name=f"mail.{DOMAIN}", number=18))
TURN = (Host(name=f"turn-sbg1.{DOMAIN}", number=21), Host(name=f"turn-gra1.{DOMAIN}", number=22))
FCM = tuple(
    Host(name=f"{label}mtalk.google.com", number=number)
    for number, label in enumerate(("", "alt1-", "alt2-", "alt3-", "alt4-"), start=31)
)
APNS = tuple(Host(name=f"{n}-courier.push.apple.com", number=40 + n, ca="apple") for n in (1, 2, 3, 4))
PORTAL_CHECK = Host(name="connectivitycheck.gstatic.com", number=51)
RESOLVER = Host(name="resolver.test", number=53)
EXPIRED = Host(name="expired.test", number=61)
WRONG_NAME = Host(name="wrong-name.test", number=62)
MUTE = Host(name="mute.test", number=63)
UNPLUGGED = Host(name="unplugged.test", number=64)
"""An address nothing answers on and nobody routes: dead."""
SECOND = Host(name="second.test", number=65)
"""A second address of the REST host."""
EJABBERD = Host(name="ejabberd.test", number=66)
"""The REST host again, with ejabberd as its XMPP server."""
IDLE = Host(name="idle.test", number=67)
"""A host that is up, and on which nothing listens."""

HOSTS = (
    REST,
    *WEB,
    AGENT,
    *MAIL,
    *TURN,
    *FCM,
    *APNS,
    PORTAL_CHECK,
    RESOLVER,
    EXPIRED,
    WRONG_NAME,
    MUTE,
    SECOND,
    EJABBERD,
    IDLE,
)
BY_NAME = {host.name: host for host in (*HOSTS, UNPLUGGED)}

FCM_PORTS = (5228, 5229, 5230)
APNS_PORTS = (443, 5223)
TURN_USER = "lab-user"
TURN_PASSWORD = "lab-turn-password-7391"  # noqa: S105 - of the lab's own coturn
ACCOUNT = "probe@clinic.example"
ACCOUNT_PASSWORD = "lab-account-password-5173"  # noqa: S105 - of the lab's own REST API
XMPP_USER, XMPP_PASSWORD = "7e11a5", "lab-xmpp-password-6402"
APP_ID = "0123456789abcdef0123456789abcdef"
APP_SECRET = "lab-application-secret-8264"  # noqa: S105 - of the lab's own REST API
PROXY_USER = "alice"
PROXY_PASSWORD = "lab-proxy-password-2846"  # noqa: S105 - of the lab's own squid
RELAY_PORTS = (49152, 65535)

SITE = "198.19.1.10"
SITE_GATEWAY = "198.19.1.1"
SECOND_RESOLVER = "198.19.1.2"  # on the border too
PROXY = "198.19.2.2"
PROXY_GATEWAY = "198.19.2.1"
PROXY_PORT = 3128
OFFICE_GATEWAY = "198.19.3.1"  # of another network of the site: see ``tests.lab.office``


def addresses(name: str) -> tuple[str, str]:
    """Return the IPv4 and IPv6 address of the host *name*."""
    host = BY_NAME[name]
    return host.v4, host.v6
