"""Starts every server of the demo cloud: the world beyond the site's firewall, all of it in order."""

from __future__ import annotations

from rainbow_probe.demo.accounts import Accounts
from rainbow_probe.demo.certificates import HTTP, Authorities
from rainbow_probe.demo.loopback import Loopback, discard
from rainbow_probe.demo.pages import serving
from rainbow_probe.demo.services import (
    APNS,
    FCM,
    FCM_FALLBACK,
    NEUTRAL,
    PAGES,
    PBX,
    REST,
    TURN_TCP,
    TURN_TLS,
    TURN_UDP,
    Service,
)
from rainbow_probe.demo.turn import Turn
from rainbow_probe.demo.turn_listeners import listen_udp, stream_handler
from rainbow_probe.demo.web import WEBSOCKET_PATH, control, resource, rest, upgrade_required
from rainbow_probe.demo.xmpp import serve_xmpp, serving_xmpp


async def start_servers(
    place: Loopback, authorities: Authorities, turn: Turn, accounts: Accounts
) -> dict[Service, int]:
    """Start them all; returns the port of each."""
    return {
        **await _start_web(place, authorities, accounts),
        **await _start_turn(place, authorities, turn),
        **await _start_push(place, authorities),
    }


async def _start_web(place: Loopback, authorities: Authorities, accounts: Accounts) -> dict[Service, int]:
    tls = authorities.rainbow(HTTP)
    signalling = serving(rest(accounts), serving_xmpp(accounts.xmpp), paths={WEBSOCKET_PATH})
    return {
        REST: await place.tcp(signalling, tls),
        PAGES: await place.tcp(serving(resource), tls),
        PBX: await place.tcp(serving(upgrade_required, serve_xmpp), authorities.agent()),
        NEUTRAL: await place.tcp(serving(control)),
    }


async def _start_turn(place: Loopback, authorities: Authorities, turn: Turn) -> dict[Service, int]:
    handle = stream_handler(turn)
    return {
        TURN_UDP: listen_udp(turn, place),
        TURN_TLS: await place.tcp(handle, authorities.rainbow()),
        TURN_TCP: await place.tcp(handle),
    }


async def _start_push(place: Loopback, authorities: Authorities) -> dict[Service, int]:
    google, apple = authorities.google(), authorities.apple()
    return {
        **{service: await place.tcp(discard, google) for service in (*FCM, FCM_FALLBACK)},
        **{service: await place.tcp(discard, apple) for service in APNS},
    }
