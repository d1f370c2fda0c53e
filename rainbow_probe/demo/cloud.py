"""Starts and stops the whole demo, and tells what a probe must be told to run in it."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from rainbow_probe.demo.accounts import Accounts
from rainbow_probe.demo.border import Border
from rainbow_probe.demo.certificates import Authorities
from rainbow_probe.demo.faults import BEHIND_PROXY, checked, closed
from rainbow_probe.demo.inspection import Decrypter
from rainbow_probe.demo.loopback import Loopback, loopback
from rainbow_probe.demo.proxy import PORTS, HttpProxy
from rainbow_probe.demo.resolver import start_resolver
from rainbow_probe.demo.servers import start_servers
from rainbow_probe.demo.services import HOST, RELAYS, TURN, Door, Ports, doors
from rainbow_probe.demo.turn import Turn
from rainbow_probe.model import Account, Credentials, Endpoint

USER = "demo"
LOGIN = "probe@clinic.example"
TRUSTED_CORPORATE = frozenset({"tls-intercepted", "proxy-no-upgrade"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """A site to probe: what the probe must be told, as by its command line."""

    faults: frozenset[str]
    ports: Mapping[Door, int]
    """Real host, real port and ``udp`` or ``tcp`` to a port on 127.0.0.1."""
    resolver: str
    """``ADDRESS:PORT`` of the site's resolver, over UDP and TCP."""
    proxy: str | None
    """URL of the site's proxy, without credentials."""
    public_ca: Path
    """Roots that count as publicly known here (``--public-ca``)."""
    machine_ca: Path | None
    """A root only this machine trusts (``--ca-file``)."""
    turn_hosts: tuple[str, ...]
    credentials: Credentials = field(repr=False)
    """For the TURN servers."""
    account: Account = field(repr=False)
    """What the probe is given to sign in with."""
    proxy_credentials: Credentials | None = field(default=None, repr=False)
    """What the proxy would take; the probe is not to be told (fault ``proxy-auth``)."""

    @property
    def maps(self) -> Mapping[Endpoint, Endpoint]:
        """The ports as ``--map`` writes them; an empty host keeps the name and replaces the port only."""
        return {Endpoint(host=h, port=p): Endpoint(host="", port=to) for (h, p, _), to in self.ports.items()}


@asynccontextmanager
async def demo_cloud(faults: Collection[str] = ()) -> AsyncGenerator[DemoSite]:
    """Run the cloud and a site with *faults* while the block runs.

    Raises ``ValueError`` if a fault is unknown, and ``OSError`` if loopback gives no sockets.
    """
    chosen = checked(faults)
    with tempfile.TemporaryDirectory(prefix="rainbow-demo-") as folder:
        async with loopback() as place:
            user = Credentials(user=USER, password=secrets.token_urlsafe(12))
            with closing(Turn({user.user: user.password}, place, range_open=not closed(RELAYS, chosen))) as turn:
                yield await _build(chosen, place, turn, user, Path(folder))


async def _build(faults: frozenset[str], place: Loopback, turn: Turn, user: Credentials, folder: Path) -> DemoSite:
    authorities = Authorities(expired="cert-expired" in faults)
    granted = _random_login() if "turn-bad-credentials" in faults else user
    account = Account(user=_random_login(LOGIN), app=_random_login(secrets.token_hex(16)))
    cloud = await start_servers(place, authorities, turn, Accounts(account, granted, TURN))
    border = Border(faults=faults, place=place, decrypter=Decrypter(authorities.corporate, authorities.client()))
    outside = await border.outside(cloud)
    login = _random_login() if "proxy-auth" in faults else None
    return DemoSite(
        faults=faults,
        ports=doors(await border.site(outside)),
        resolver=f"{HOST}:{await _start_resolver(place, faults)}",
        proxy=await _start_proxy(place, faults, await border.proxy(outside), login),
        public_ca=authorities.write_public(folder),
        machine_ca=authorities.write_machine(folder) if faults & TRUSTED_CORPORATE else None,
        turn_hosts=TURN,
        credentials=granted,
        account=replace(account, user=_random_login(LOGIN)) if "account-wrong" in faults else account,
        proxy_credentials=login,
    )


async def _start_resolver(place: Loopback, faults: frozenset[str]) -> int:
    if "offline" in faults:
        return place.silent()
    return await start_resolver(place, rainbow="dns-nxdomain" not in faults)


async def _start_proxy(place: Loopback, faults: frozenset[str], ports: Ports, login: Credentials | None) -> str | None:
    if not faults & BEHIND_PROXY:
        return None
    opened = PORTS - {80} if "proxy-denies-80" in faults else PORTS
    return f"http://{HOST}:{await place.tcp(HttpProxy(doors(ports), opened, login).handle)}"


def _random_login(user: str = USER) -> Credentials:
    return Credentials(user=user, password=secrets.token_urlsafe(12))
