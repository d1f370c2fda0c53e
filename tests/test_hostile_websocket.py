"""WebSockets that do not keep to RFC 6455, and XMPP streams made to break whoever reads them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct

import pytest

from rainbow_probe.demo.loopback import Handler
from rainbow_probe.model import Cause, Phase
from rainbow_probe.net.websocket import MOST
from rainbow_probe.protocols.xmpp import STREAM_ERRORS, STREAMS
from tests.hostile import HANDSHAKES, TERMINAL, fails, floods, meet
from tests.servers import EASY, FEATURES, FRAMING, OPEN, answers, facts, text

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def switch(key: str, *more: str, protocol: str = "xmpp") -> bytes:
    """Give the answer that switches, for the *key* of a request or for none."""
    accept = base64.b64encode(hashlib.sha1(key.encode() + MAGIC, usedforsecurity=False).digest()).decode()
    fields = [f"Sec-WebSocket-Accept: {accept}", f"Sec-WebSocket-Protocol: {protocol}", *more]
    head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n"


def switches(then: Handler, *more: str, protocol: str = "xmpp") -> Handler:
    """Return a server that switches as it should, and then does something else."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        [key] = re.findall(r"(?i)^sec-websocket-key: *(.+?)\r$", head, re.MULTILINE)
        writer.write(switch(key, *more, protocol=protocol))
        await then(reader, writer)

    return handle


def frame(first: int, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Give a frame whose first byte, and whose told *length*, are whatever one likes."""
    size = len(data) if length is None else length
    if size < 126:
        return bytes((first, size)) + data
    told = struct.pack("!BH", 126, size) if size < 65536 else struct.pack("!BQ", 127, size)
    return bytes((first,)) + told + data


FIN, RSV1, MASKED = 0x80, 0x40, 0x80
UPGRADES: dict[str, tuple[Handler, Cause]] = {
    "a wrong key": (answers(switch("nobody's")), Cause.UPGRADE_REFUSED),
    "compression that nobody asked for": (
        switches(floods(b"x"), "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15"),
        Cause.UPGRADE_REFUSED,
    ),
    "two subprotocols": (switches(floods(b"x"), "Sec-WebSocket-Protocol: xmpp"), Cause.UPGRADE_REFUSED),
    "another subprotocol": (switches(floods(b"x"), protocol="mqtt"), Cause.SUBPROTOCOL_MISSING),
    "a subprotocol of escapes": (switches(floods(b"x"), protocol="\x1b[31m"), Cause.NOT_HTTP),
    "an extension of escapes": (switches(floods(b"x"), "Sec-WebSocket-Extensions: \x9b31m"), Cause.UPGRADE_REFUSED),
}


@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_an_upgrade_that_is_none(upgrade: str) -> None:
    """Whoever switches without having understood the request is not the server."""
    handle, cause = UPGRADES[upgrade]
    fails(await meet("xmpp", handle, EASY), Phase.WEBSOCKET, cause)


FRAMES: dict[str, Handler] = {
    "a frame beyond measure": floods(b"a", head=frame(FIN | 1, length=2**62)),
    "a frame of more than all bits": floods(b"a", head=frame(FIN | 1, length=2**64 - 1)),
    "a frame over the bound": answers(frame(FIN | 1, length=MOST + 1)),
    "fragments over the bound": floods(frame(0, b"a" * 999), head=frame(1, b"<")),
    "a compressed frame": answers(frame(FIN | RSV1 | 1, b"x")),
    "reserved bits": answers(frame(FIN | 0x30 | 1, b"x")),
    "a masked frame": answers(bytes((FIN | 1, MASKED | 1)) + b"abcdx"),
    "a reserved opcode": answers(frame(FIN | 3, b"x")),
    "a reserved control opcode": answers(frame(FIN | 0xB, b"x")),
    "a continuation of nothing": answers(frame(FIN, b"x")),
    "a message within a message": answers(frame(1, b"x") + frame(FIN | 1, b"x")),
    "a ping in fragments": answers(frame(9, b"x")),
    "a ping that is too long": answers(frame(FIN | 9, b"x" * 126)),
    "a close of one byte": answers(frame(FIN | 8, b"x")),
    "a close that is no UTF-8": answers(frame(FIN | 8, b"\x03\xe8\xff")),
    "a close with a code that is none": answers(frame(FIN | 8, b"\x00\x00")),
    "HTTP": answers(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"<html>" * 30),
    "zeros": floods(b"\0"),
    "letters": floods(b"A"),
}
"""What RFC 6455 forbids, or we do."""


@pytest.mark.parametrize("breach", FRAMES)
async def test_frames_that_break_the_rules(breach: str) -> None:
    """They are told as such, as soon as they can be."""
    fails(await meet("xmpp", switches(FRAMES[breach]), EASY), Phase.XMPP, Cause.UNEXPECTED_REPLY)


ENDLESS: dict[str, Handler] = {
    "pings": floods(frame(FIN | 9, b"x" * 99)),
    "empty pings": floods(frame(FIN | 9)),
    "pongs": floods(frame(FIN | 10)),
    "empty fragments": floods(frame(0), head=frame(1)),
    "keep-alives": floods(frame(FIN | 1, b" ")),
    "empty messages": floods(frame(FIN | 1)),
    "a frame that drips": answers(frame(FIN | 1, b"<" * 9, length=99)),
}


@pytest.mark.parametrize("flood", ENDLESS)
async def test_frames_that_never_end(flood: str) -> None:
    """They are no answer, however many there are, and do not pile up."""
    fails(await meet("xmpp", switches(ENDLESS[flood])), Phase.XMPP, Cause.TIMEOUT, Cause.UNEXPECTED_REPLY)


async def test_pings_to_which_nobody_reads_the_answers() -> None:
    """What is sent back fills the way, and the step's limit ends that, too."""

    async def deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(2**30)
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        while not writer.is_closing():
            writer.write(frame(FIN | 9, b"x" * 125) * 500)
            await asyncio.sleep(0.01)

    fails(await meet("xmpp", switches(deaf)), Phase.XMPP, Cause.TIMEOUT)


ENTITY = '<!DOCTYPE open [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
HEAD = f'<open xmlns="{FRAMING}" version="1.0" from='
STANZAS: dict[str, tuple[str, Cause]] = {
    "a billion laughs": (f"{ENTITY}<open>&b;</open>", Cause.NOT_XMPP),
    "a DTD from elsewhere": ('<!DOCTYPE open SYSTEM "http://127.0.0.1:9/x.dtd"><open/>', Cause.NOT_XMPP),
    "an entity from a file": ('<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><o>&x;</o>', Cause.NOT_XMPP),
    "an entity that nobody declared": (f"{HEAD}'&x;'/>", Cause.NOT_XMPP),
    "a processing instruction": ("<?php x?><open/>", Cause.NOT_XMPP),
    "a depth without a bottom": ("<a>" * 15_000, Cause.NOT_XMPP),
    "thousands of attributes": ("<open " + " ".join(f"a{n}=''" for n in range(6000)) + "/>", Cause.NOT_XMPP),
    "thousands of namespaces": ("<open " + " ".join(f"xmlns:a{n}='u'" for n in range(3000)) + "/>", Cause.NOT_XMPP),
    "one attribute twice": ("<open a='' a=''/>", Cause.NOT_XMPP),
    "a huge attribute": (f"{HEAD}'{'a' * 60_000}'/>", Cause.WRONG_DOMAIN),
    "a huge name": (f"<{'a' * 60_000}/>", Cause.NOT_XMPP),
    "a huge namespace": (f"<open xmlns='{'a' * 60_000}'/>", Cause.NOT_XMPP),
    "two elements": (f"{HEAD}''/><open/>", Cause.NOT_XMPP),
    "half an element": (HEAD, Cause.NOT_XMPP),
    "another encoding": ("<?xml version='1.0' encoding='utf-16'?><open/>", Cause.NOT_XMPP),
    "an encoding that is none": ("<?xml version='1.0' encoding='\x7f'?><open/>", Cause.NOT_XMPP),
    "NUL": (f"{HEAD}'\0'/>", Cause.NOT_XMPP),
    "a comment without an end": ("<!--" + "a" * 9999, Cause.NOT_XMPP),
    "a domain of escapes": (f"{HEAD}'&#x9b;31m&#x202e;&lt;script>'/>", Cause.WRONG_DOMAIN),
    "escapes": (TERMINAL, Cause.NOT_XMPP),
    "an error of escapes": (
        f"<error xmlns='{STREAMS}'><text xmlns='{STREAM_ERRORS}'>&#x9b;31m&#x202e;&lt;script></text></error>",
        Cause.STREAM_ERROR,
    ),
    "a close to elsewhere": (
        f"<close xmlns='{FRAMING}' see-other-uri='javascript:&#x85;{'a' * 999}'/>",
        Cause.STREAM_ERROR,
    ),
}


@pytest.mark.parametrize("stanza", STANZAS)
async def test_xml_that_is_made_to_harm(stanza: str) -> None:
    """Nothing is unpacked, fetched or believed."""
    said, cause = STANZAS[stanza]
    fails(await meet("xmpp", switches(answers(text(said))), EASY), Phase.XMPP, cause)


async def test_features_of_escapes() -> None:
    """A stream may offer what it likes; it opens, and what it offers cannot act."""
    offer = FEATURES.replace("PLAIN", "&#x9b;31m&#x202e;&lt;script>")
    result = await meet("xmpp", switches(answers(OPEN + text(offer))), HANDSHAKES)
    fails(result, Phase.XMPP, Cause.TIMEOUT)  # it answers no ping
    offered = facts(result, Phase.XMPP)["mechanisms"]
    assert "<script>" in str(offered)
