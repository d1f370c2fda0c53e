"""XMPP over WebSocket as the demo speaks it: RFC 7395, RFC 6120."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.typing import Subprotocol

from rainbow_probe.demo import DemoSite, demo_cloud
from rainbow_probe.demo.sasl import SASL
from rainbow_probe.demo.services import AGENT, APEX
from rainbow_probe.demo.xmpp import FRAMING, STREAMS, Stream, root_of
from tests.demo_clients import HOST, trusting

OPEN = f'<open xmlns="{FRAMING}" to="{APEX}" version="1.0"/>'
AUTH = f'<auth xmlns="{SASL}" mechanism="PLAIN">AGEAYg==</auth>'
XMPP = Subprotocol("xmpp")


@asynccontextmanager
async def dialled(
    site: DemoSite, host: str = APEX, path: str = "/websocket", *, offered: list[Subprotocol] | None = None
) -> AsyncGenerator[ClientConnection]:
    """Give a WebSocket to *host*, verified as this site's machine would."""
    tls = trusting(site.machine_ca or site.public_ca) if host == APEX else unverified()
    uri, port = f"wss://{host}{path}", site.ports[host, 443, "tcp"]
    async with connect(uri, host=HOST, port=port, ssl=tls, subprotocols=offered or [XMPP], proxy=None) as socket:
        yield socket


def unverified() -> ssl.SSLContext:
    """Return a context for the agent's host, whose authority nobody is told."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def heard(socket: ClientConnection) -> ET.Element:
    """Return the next message, parsed."""
    return ET.fromstring(await socket.recv())  # noqa: S314 - the demo's own words


async def test_a_stream_opens_and_offers_its_mechanisms() -> None:
    """The subprotocol is echoed, the domain is the one asked for, the features are a message of their own."""
    async with demo_cloud() as site, dialled(site) as socket:
        assert socket.subprotocol == "xmpp"
        await socket.send(OPEN)
        opened, features = await heard(socket), await heard(socket)
        assert opened.tag == f"{{{FRAMING}}}open"
        assert opened.get("from") == APEX
        assert opened.get("version") == "1.0"
        assert features.tag == f"{{{STREAMS}}}features"
        assert {element.text for element in features.iter(f"{{{SASL}}}mechanism")} == {
            "PLAIN",
            "SCRAM-SHA-1",
            "SCRAM-SHA-256",
        }


async def test_a_ping_is_answered() -> None:
    """By the WebSocket, with the time it took."""
    async with demo_cloud() as site, dialled(site) as socket:
        assert await (await socket.ping()) >= 0


async def test_a_message_in_fragments_is_one_message() -> None:
    """RFC 6455 section 5.4."""
    async with demo_cloud() as site, dialled(site) as socket:
        await socket.send([OPEN[:10], OPEN[10:20], OPEN[20:]])
        assert (await heard(socket)).get("from") == APEX


async def test_a_closed_stream_closes_the_socket() -> None:
    """After ``<close/>`` both ways (RFC 7395 section 3.6)."""
    async with demo_cloud() as site, dialled(site) as socket:
        await socket.send(f'<close xmlns="{FRAMING}"/>')
        assert (await heard(socket)).tag == f"{{{FRAMING}}}close"
        with pytest.raises(ConnectionClosedOK):
            await socket.recv()


async def test_the_client_may_close_first() -> None:
    """And leaves nothing behind, even with a question unanswered."""
    async with demo_cloud() as site:
        async with dialled(site) as socket:
            await socket.send(OPEN)
            await socket.close()
        assert socket.close_code == 1000


async def test_the_agents_host_serves_any_path() -> None:
    """The real path is not published."""
    async with demo_cloud() as site, dialled(site, AGENT, "/some/where") as socket:
        await socket.send(OPEN.replace(APEX, AGENT))
        assert (await heard(socket)).get("from") == AGENT


@pytest.mark.parametrize(("path", "offered"), [("/elsewhere", [XMPP]), ("/websocket", [Subprotocol("mqtt")])])
async def test_other_paths_and_protocols_are_refused(path: str, offered: list[Subprotocol]) -> None:
    """With a status below 500: it is the client that is wrong."""
    async with demo_cloud() as site:
        with pytest.raises(InvalidStatus) as refused:
            await open_and_leave(site, path, offered)
    assert 400 <= refused.value.response.status_code < 500


async def open_and_leave(site: DemoSite, path: str, offered: list[Subprotocol]) -> None:
    """Dial, and hang up at once."""
    async with dialled(site, path=path, offered=offered):
        pass


async def test_rest_errors_are_json_even_to_an_upgrade() -> None:
    """A WebSocket elsewhere is just a request for a call that does not exist."""
    async with demo_cloud() as site:
        with pytest.raises(InvalidStatus) as refused:
            await open_and_leave(site, "/elsewhere", [XMPP])
    assert json.loads(refused.value.response.body or b"")["errorCode"] == 404


@pytest.mark.parametrize(
    ("text", "word", "stays_open"),
    [
        (OPEN, "<open ", True),
        (OPEN.replace(APEX, APEX.upper()), APEX.upper(), True),
        (OPEN.replace(APEX, "other.example"), "<host-unknown ", False),
        (f'<open xmlns="{FRAMING}"/>', "<host-unknown ", False),
        (AUTH, "<not-authorized/>", True),
        (f'<close xmlns="{FRAMING}"/>', "<close ", False),
        ('<iq xmlns="jabber:client" type="get"/>', "<not-authorized ", False),
        ('<message xmlns="jabber:client"/>', "<not-authorized ", False),
        ("<open/>", "<not-authorized ", False),
        ("<open", "<not-well-formed ", False),
        ("", "<not-well-formed ", False),
        (f'<!DOCTYPE a [<!ENTITY b "c">]>{OPEN}', "<not-well-formed ", False),
        (f'<?xml version="1.0" encoding="x"?>{OPEN}', "<open ", True),
    ],
)
def test_each_message_has_its_answer(text: str, word: str, stays_open: bool) -> None:
    """What ends a stream is closed with ``<close/>``."""
    stream = Stream()
    answers = "".join(stream.feed(text))
    assert word in answers
    assert stream.open is stays_open
    assert ("<close " in answers) is not stays_open


def test_names_in_answers_are_quoted() -> None:
    """The domain asked for comes back only if it is known."""
    answers = list(Stream().feed(f"<open xmlns='{FRAMING}' to='&lt;x y=&quot;z&quot;/>'/>"))
    assert "z" not in "".join(answers)
    assert all(ET.fromstring(answer) is not None for answer in answers)  # noqa: S314 - the demo's own words


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """It is an element or nothing."""
    name, attributes = root_of(text)
    assert name or not attributes


@given(st.text(alphabet='<>/="&;! open[]', max_size=30))
def test_no_markup_breaks_the_parser(text: str) -> None:
    """Nor what is nearly XML."""
    name, attributes = root_of(f"<a {text}/>")
    assert name or not attributes
