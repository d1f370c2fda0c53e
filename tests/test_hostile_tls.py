"""TLS that stalls at each step, drips, or shows certificates that nobody should believe."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.model import Cause, IssuerPolicy, Outcome, Phase
from rainbow_probe.net.certificates import MOST_NAMES
from tests.hostile import HANDSHAKES, HANDSHAKING, TERMINAL, bounded, drips, fails, floods, meet, meet_raw
from tests.hostile_tls import (
    ALERT,
    DATA,
    HANDSHAKE,
    certificate,
    context_of,
    edits,
    first_bytes,
    first_flights,
    first_messages,
    first_records,
    name,
    old_context,
    public,
    record,
    showing,
)
from tests.servers import ENDLESS, NAME, a_flow, a_route, answers, facts, hangs_up, mute, resets

STALLS: dict[str, Handler] = {
    "after the connection": mute,
    "within the first record": answers(b"\x16\x03\x03\x40\x00"),
    "within ServerHello": edits(first_bytes(30)),
    "after ServerHello": edits(first_records(1)),
    "within the encrypted flight": edits(first_bytes(400)),
    "after ServerHello, TLS 1.2": edits(first_messages(1), old_context),
    "after the certificate, TLS 1.2": edits(first_messages(2), old_context),
    "after the key exchange, TLS 1.2": edits(first_messages(3), old_context),
    "before Finished, TLS 1.2": edits(first_flights(1), old_context),
    "a byte at a time": edits(lambda said, _: said, drips=True),
    "a byte at a time, TLS 1.2": edits(lambda said, _: said, old_context, drips=True),
    "a record that drips": drips(b"\x16\x03\x03\x40\x00", b"\x02"),
    "a message that drips": drips(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc", b"\x03"),
}


EVERYWHERE = [(stall, "push") for stall in STALLS] + [("a byte at a time", kind) for kind in HANDSHAKING[:-1]]


@pytest.mark.parametrize(("stall", "kind"), EVERYWHERE)
async def test_a_handshake_that_stalls(stall: str, kind: str) -> None:
    """Wherever it does, the step's own limit ends it, and the step is TLS."""
    fails(await meet_raw(kind, STALLS[stall]), Phase.TLS, Cause.TIMEOUT)


@pytest.mark.parametrize(
    ("kind", "phase"),
    [("https", Phase.HTTP), ("xmpp", Phase.WEBSOCKET), ("turn-tls", Phase.STUN)],
)
async def test_silence_after_a_sound_handshake(kind: str, phase: Phase) -> None:
    """Then it is not TLS that stalls, but what is spoken inside."""
    fails(await meet(kind, mute), phase, Cause.TIMEOUT)
    fails(await meet_raw(kind, edits(first_flights(1)), limits=HANDSHAKES), phase, Cause.TIMEOUT)


def alert(level: int, what: int) -> bytes:
    """Give an alert (RFC 8446 section 6)."""
    return record(ALERT, bytes((level, what)))


BROKEN: dict[str, tuple[Handler, tuple[Cause, ...]]] = {
    "records of nothing": (floods(b"\x16\x03\x03\x00\x00"), (Cause.TLS_ALERT,)),
    "data before the handshake": (floods(record(DATA, bytes(999))), (Cause.TLS_ALERT,)),
    "warnings for ever": (floods(alert(1, 90)), (Cause.TLS_ALERT,)),
    "a good-bye": (answers(alert(1, 0)), (Cause.TLS_ALERT, Cause.CLOSED)),
    "a fatal alert": (answers(alert(2, 40)), (Cause.TLS_ALERT,)),
    "an alert that is none": (answers(alert(9, 255)), (Cause.TLS_ALERT,)),
    "a record that is too long": (answers(b"\x16\x03\x03\xff\xff" + bytes(99)), (Cause.TLS_ALERT,)),
    "a handshake message without a bottom": (
        floods(b"a", head=b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff"),
        (Cause.TLS_ALERT,),
    ),
    "a ServerHello of junk": (answers(record(HANDSHAKE, b"\x02\x00\x00\x20" + b"\xff" * 32)), (Cause.TLS_ALERT,)),
    "our own hello back": (edits(lambda said, _: record(HANDSHAKE, b"\x01" + said[6:])), (Cause.TLS_ALERT,)),
    "HTML": (answers(TERMINAL.encode()), (Cause.NOT_TLS,)),
    "HTML for ever": (floods(TERMINAL.encode()), (Cause.NOT_TLS,)),
    "the end": (hangs_up, (Cause.CLOSED,)),
    "a reset": (resets, (Cause.RESET,)),
}


@pytest.mark.parametrize("breach", BROKEN)
async def test_a_handshake_that_breaks_the_rules(breach: str) -> None:
    """It is told from silence, and from what is no TLS at all."""
    handle, causes = BROKEN[breach]
    fails(await meet_raw("push", handle, limits=ENDLESS), Phase.TLS, *causes)


@pytest.mark.parametrize(
    ("kind", "phase"),
    [("https", Phase.HTTP), ("xmpp", Phase.WEBSOCKET), ("turn-tls", Phase.STUN)],
)
@pytest.mark.parametrize("junk", [b"\xff" * 99, record(DATA, bytes(99)), TERMINAL.encode()], ids=ascii)
async def test_junk_after_a_sound_handshake(junk: bytes, kind: str, phase: Phase) -> None:
    """The handshake stands; what breaks is what should have been spoken inside."""
    spoiled = edits(lambda said, flight: said + junk if flight == 1 else said)
    fails(await meet_raw(kind, spoiled, limits=ENDLESS), phase, Cause.TLS_ALERT)


def changed(certificate: bytes, old: bytes, new: bytes) -> bytes:
    """Change bytes of a certificate, whose signature is then wrong, which nobody comes to see."""
    assert old in certificate
    return certificate.replace(old, new, 1)


STRANGER = name("Somebody")
PLAIN = certificate(STRANGER, STRANGER, [x509.DNSName(NAME)]).public_bytes(Encoding.DER)
VERSION_3 = b"\xa0\x03\x02\x01\x02"  # RFC 5280 section 4.1.2.1
SAN = b"\x06\x03\x55\x1d\x11"  # its OID, RFC 5280 section 4.2.1.6
USAGE = b"\x06\x03\x55\x1d\x0f"
TWICE = certificate(
    STRANGER,
    STRANGER,
    [x509.DNSName(NAME)],
    more=[x509.KeyUsage(True, False, False, False, False, False, False, False, False)],
).public_bytes(Encoding.DER)
UNREADABLE: dict[str, tuple[bytes, ...]] = {
    "none": (),
    "of no bytes": (b"",),
    "junk": (os.urandom(999),),
    "zeros": (bytes(999),),
    "HTML": (TERMINAL.encode(),),
    "cut short": (PLAIN[:-9],),
    "nested without a bottom": (b"\x30\x80" * 9000,),
    "a length beyond measure": (b"\x30\x84\xff\xff\xff\xff" + PLAIN,),
    "bytes behind it": (PLAIN + b"\0" * 9,),
    "of a version to come": (changed(PLAIN, VERSION_3, VERSION_3[:-1] + b"\x07"),),
    "of a version below nothing": (changed(PLAIN, VERSION_3, VERSION_3[:-1] + b"\xff"),),
    "an extension twice": (changed(TWICE, USAGE, SAN),),
    "names that are none": (changed(PLAIN, b"\x82\x0aprobe.test", b"\x87\x0aprobe.test"),),
    "names of another kind": (changed(PLAIN, b"\x82\x0aprobe.test", b"\x83\x0aprobe.test"),),
    "a name that is no ASCII": (changed(PLAIN, b"\x82\x0aprobe.test", b"\x82\x0aprobe\xff\x1b[m"),),
    "a date that is none": (changed(PLAIN, b"Z\x17\x0d", b"Y\x17\x0d"),),
    "a key of no kind": (
        changed(PLAIN, b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x09"),
    ),
    "a curve of no kind": (
        changed(PLAIN, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x70"),
    ),
    "many": (PLAIN,) * 150,
    "a megabyte": (PLAIN,) * (2**20 // len(PLAIN)),
    "a huge one": (b"\x30\x83\x0f\xff\xf0" + bytes(2**20 - 16),),
}


@pytest.mark.parametrize("policy", IssuerPolicy)
@pytest.mark.parametrize("chain", UNREADABLE)
async def test_a_chain_that_cannot_be_read(chain: str, policy: IssuerPolicy) -> None:
    """Nobody is believed, whoever was expected, and what could be read of it is kept."""
    async with loopback() as place:
        port = await place.tcp(showing(*UNREADABLE[chain]))
        flow = replace(a_flow("push", port), policy=policy)
        result = await bounded(flow, a_route())
    fails(result, Phase.TLS, Cause.TLS_UNTRUSTED, Cause.TLS_ALERT)


HOSTILE = [
    TERMINAL,
    "\0",
    "\x1b[2J",
    "a" * 64,
    "\u202e",
    "\x85\u2028",
    "<script>alert(1)</script>",
    "%s%n{0}",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
async def test_a_trusted_certificate_with_hostile_words(text: str) -> None:
    """It passes, as the name is right and the issuer known; its words are evidence, and cannot act."""
    context = public(name(text, TERMINAL), NAME, *(text.encode("ascii", "ignore").decode() or "x" for _ in range(3)))
    result = await meet_raw("push", mute, context, limits=ENDLESS)
    assert result.verdict.outcome is Outcome.PASS, result
    assert facts(result, Phase.TLS)["public"] is True


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
async def test_an_unknown_issuer_with_hostile_words(text: str) -> None:
    """Its name is shown where the guide's reader looks for it, and cannot act."""
    made = certificate(name(text), name(text, TERMINAL), [x509.DNSName(NAME)])
    context = context_of(made.public_bytes(Encoding.PEM))
    fails(await meet_raw("push", mute, context, limits=ENDLESS), Phase.TLS, Cause.TLS_UNTRUSTED)


@pytest.mark.parametrize(
    "names",
    [["probe.test\0.evil.example"], ["*"], ["*.test"], ["probe.test."], [".probe.test"], ["x\nprobe.test"]],
    ids=ascii,
)
async def test_names_that_are_nearly_right(names: list[str]) -> None:
    """None of them is the one asked for."""
    result = await meet_raw("push", mute, public(name("x"), *names), limits=ENDLESS)
    fails(result, Phase.TLS, Cause.TLS_WRONG_NAME)


async def test_thousands_of_names() -> None:
    """A certificate may have them; few are shown."""
    context = public(name("x"), NAME, *(f"host-{place}.example" for place in range(3000)))
    result = await meet_raw("push", mute, context, limits=ENDLESS)
    assert result.verdict.outcome is Outcome.PASS, result.verdict
    assert str(facts(result, Phase.TLS)["san"]).count(" ") == MOST_NAMES - 1


async def test_more_names_than_anybody_takes() -> None:
    """Beyond what OpenSSL and browsers accept for a chain, it is refused before it is read."""
    context = public(name("x"), NAME, *(f"host-{place}.example" for place in range(9000)))
    fails(await meet_raw("push", mute, context, limits=ENDLESS), Phase.TLS, Cause.TLS_ALERT)
