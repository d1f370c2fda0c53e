"""Every phase with the causes that can end it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.explanations import account, calls, lan, proxy, reaching, relay, tls, turn, voice, web
from rainbow_probe.explanations.own import OWN
from rainbow_probe.explanations.shapes import Stage, Why
from rainbow_probe.terms import Cause, Phase

STAGES: Mapping[Phase, Stage] = MappingProxyType({
    one.phase: one
    for one in (
        reaching.RESOLVE,
        reaching.CONNECT,
        proxy.PROXY,
        tls.TLS,
        web.HTTP,
        web.WEBSOCKET,
        web.XMPP,
        account.ACCOUNT,
        turn.STUN,
        turn.ALLOCATE,
        relay.PERMISSION,
        relay.CHANNEL,
        relay.DATA,
        calls.ICE,
        calls.DTLS,
        voice.MEDIA,
        lan.SIP,
        lan.NTP,
        lan.SSH,
    )
})


def explained(phase: Phase, cause: Cause) -> Why | None:
    """Return what *cause* means in *phase*, or None if it cannot occur there."""
    return OWN.get(cause) or STAGES[phase].causes.get(cause)
