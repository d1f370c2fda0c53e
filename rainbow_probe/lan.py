"""The site's own hosts, as the command line and the site file name them: nothing of them is in a guide."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import cast

from rainbow_probe.catalogue import Place
from rainbow_probe.options import UsageError, endpoint, read_secret
from rainbow_probe.sitefile import Reference, resolved

TOKEN = "RAINBOW_PROBE_PEER_TOKEN"  # noqa: S105 - the variable's name
MOST_RATE = 1_000_000  # datagrams a second
PLACES = (Place.CLIENT, Place.GATEWAY, Place.PBX, Place.PHONES)
"""Where a responder may stand."""
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,252}[A-Za-z0-9])?(?:%[A-Za-z0-9._-]{1,32})?")


def peers(texts: Iterable[str]) -> dict[Place, tuple[str, ...]]:
    """Read each ``HOST`` or ``PLACE=HOST``; a host without a place stands wherever no other one does."""
    named: dict[Place, list[str]] = {}
    anywhere: list[str] = []
    for text in texts:
        place, equals, given = text.rpartition("=")
        if equals and place not in PLACES:
            raise UsageError(
                f"--peer {text!r}: no place {place!r}; wanted is HOST or PLACE=HOST, PLACE one of {_list()}"
            )
        (named.setdefault(Place(place), []) if equals else anywhere).append(host(given, "--peer"))
    return {place: tuple(named.get(place, anywhere)) for place in PLACES if named.get(place, anywhere)}


def host(text: str, where: str) -> str:
    """Return *text* if it can be a host; raises ``UsageError``."""
    bare = text.strip().strip("[]").lower()
    if not _HOST.fullmatch(bare) or not _is_possible(bare):
        raise UsageError(f"{where} {text!r}: wanted is a name or an address, without a port")
    return bare


def _is_possible(bare: str) -> bool:
    """Tell a host from one with a port: only an IPv6 address has colons, and only an IPv4 one has no letter."""
    if ":" not in bare and bare.strip("0123456789."):
        return True
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return False
    return True


def host_and_port(text: str, where: str) -> str:
    """Return a ``HOST`` as it is, and ``HOST:PORT`` as ``[HOST]:PORT``; raises ``UsageError``."""
    bare = text.strip()
    if bare.count(":") == 1 or "]:" in bare:
        there = endpoint(bare, where)
        return f"[{host(there.host, where)}]:{there.port}"
    return host(bare, where)


def given(arguments: Mapping[str, object], site: Mapping[str, object]) -> dict[Place, tuple[str, ...]]:
    """Put what the command line names over what the site file does."""
    servers = ((Place.SIP, "pbx"), (Place.NTP, "ntp"), (Place.SSH, "gateway"), (Place.OUTSIDE, "outside"))
    named = {place: (name, str(arguments.get(name) or site.get(f"lan.{name}") or "")) for place, name in servers}
    found = {place: (host(text, f"--{name}"),) for place, (name, text) in named.items() if text}
    if over_tls := str(arguments.get("pbx_tls") or site.get("lan.pbx_tls") or ""):
        found[Place.SIPS] = (host_and_port(over_tls, "--pbx-tls"),)
    return peers(cast("list[str]", arguments.get("peer") or site.get("lan.peer", []))) | found


def peer_token(
    file: str | None, option: str = "--peer-token-file", site: Mapping[str, object] = MappingProxyType({})
) -> str:
    """Return the token from *file*, the site file or the environment; empty if there is none. Never an argument."""
    if file:
        return read_secret(file, option)
    kept = site.get("lan.peer_token")
    return resolved(kept, os.environ) if isinstance(kept, Reference) else os.environ.get(TOKEN, "")


def _list() -> str:
    return ", ".join(PLACES)
