"""The start of an XMPP stream over WebSocket, with the frames that real servers send."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Cause, PeerError
from rainbow_probe.protocols import xml
from rainbow_probe.protocols.xmpp import (
    FRAMING,
    MOST_MECHANISMS,
    SASL,
    STREAM_ERRORS,
    STREAMS,
    Opening,
    close_frame,
    open_frame,
    parse,
)
from tests.test_stun import FUZZ

DOMAIN = "openrainbow.health"
# As prosody 0.12 sends them, and as ejabberd does: other quotes, other order, other prefixes.
PROSODY_OPEN = f"<open id='befcd268' from='{DOMAIN}' version='1.0' xmlns='{FRAMING}' xml:lang='en'/>"
PROSODY_FEATURES = (
    f"<stream:features xmlns='jabber:client' xmlns:stream='{STREAMS}'><mechanisms xmlns='{SASL}'>"
    "<mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>"
)
EJABBERD_OPEN = f'<open xmlns="{FRAMING}" version="1.0" xml:lang="en" id="4711" from="{DOMAIN}"></open>'
EJABBERD_FEATURES = (
    f'<s:features xmlns:s="{STREAMS}"><c xmlns="http://jabber.org/protocol/caps" ver="x" node="n" hash="sha-1"/>'
    f'<sasl:mechanisms xmlns:sasl="{SASL}"><sasl:mechanism> PLAIN </sasl:mechanism>'
    "<sasl:mechanism>SCRAM-SHA-1</sasl:mechanism></sasl:mechanisms></s:features>"
)


def error(condition: str, text: str = "") -> str:
    """Return a stream error's frame."""
    said = f"<text xmlns='{STREAM_ERRORS}'>{text}</text>" if text else ""
    inner = f"<{condition} xmlns='{STREAM_ERRORS}'/>" if condition else ""
    return f"<stream:error xmlns:stream='{STREAMS}'>{inner}{said}</stream:error>"


def failed(*frames: str) -> PeerError:
    """Feed *frames*, of which the last one fails, and return how."""
    opening = Opening(DOMAIN)
    for frame in frames[:-1]:
        opening.feed(frame)
    with pytest.raises(PeerError) as caught:
        opening.feed(frames[-1])
    assert str(caught.value).isprintable()
    assert not opening.done
    return caught.value


@pytest.mark.parametrize(
    "frames", [(PROSODY_OPEN, PROSODY_FEATURES), (EJABBERD_OPEN, EJABBERD_FEATURES), (PROSODY_OPEN, EJABBERD_FEATURES)]
)
def test_a_stream_opens(frames: tuple[str, str]) -> None:
    """The server answers for the domain and lists its mechanisms, however it spells them."""
    opening = Opening(DOMAIN)
    opening.feed(frames[0])
    assert opening.opened
    assert not opening.done
    opening.feed(frames[1])
    assert opening.done
    assert opening.mechanisms == ("PLAIN", "SCRAM-SHA-1")
    assert "mechanisms" in opening.features
    assert opening.facts() == {"domain": DOMAIN, "mechanisms": "PLAIN, SCRAM-SHA-1"}


@pytest.mark.parametrize("domain", ["openrainbow.health", 'a"b<c&d'])
def test_our_frames(domain: str) -> None:
    """They are what RFC 7395 sections 3.4 and 3.6 show, whatever the domain is called."""
    frame = xml.parse(open_frame(domain))
    assert (frame.namespace, frame.name) == (FRAMING, "open")
    assert frame.attributes == {"to": domain, "version": "1.0"}
    assert (parse(close_frame()).namespace, parse(close_frame()).name) == (FRAMING, "close")


@pytest.mark.parametrize("server", [DOMAIN.upper(), "", None])
def test_who_counts_as_the_domain(server: str | None) -> None:
    """Case does not matter; a server that names nobody is not a wrong one."""
    opening = Opening(DOMAIN)
    opening.feed(f"<open xmlns='{FRAMING}' {'' if server is None else f'from={server!r}'}/>")
    opening.feed(PROSODY_FEATURES)
    assert opening.done


def test_the_wrong_domain() -> None:
    """A web server's default host, for example."""
    exc = failed(PROSODY_OPEN.replace(DOMAIN, "other.example"))
    assert exc.cause is Cause.WRONG_DOMAIN
    assert "'other.example'" in str(exc)


@pytest.mark.parametrize(
    ("condition", "cause"),
    [
        ("host-unknown", Cause.WRONG_DOMAIN),  # prosody repeats the domain it was asked for, and then says this
        ("host-gone", Cause.WRONG_DOMAIN),
        ("policy-violation", Cause.STREAM_ERROR),
        ("not-authorized", Cause.STREAM_ERROR),
        ("", Cause.STREAM_ERROR),
    ],
)
def test_stream_errors(condition: str, cause: Cause) -> None:
    """With the condition and the server's words in the detail, before and after the open."""
    for before in ((), (PROSODY_OPEN,)):
        exc = failed(*before, error(condition, "sorry"))
        assert exc.cause is cause
        assert (condition or "without a condition") in str(exc)
        assert "sorry" in str(exc)


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (close_frame(), "the server closed the stream"),
        (f"<close xmlns='{FRAMING}' see-other-uri='wss://two.example/ws'/>", "use 'wss://two.example/ws'"),
    ],
)
def test_a_close_is_an_error(frame: str, text: str) -> None:
    """And says where to go, if the server does (RFC 7395 section 3.6.1)."""
    exc = failed(frame)
    assert exc.cause is Cause.STREAM_ERROR
    assert text in str(exc)


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        "<html><body>Blocked by policy</body></html>",
        f"<open from='{DOMAIN}'/>",
        f"<open xmlns='jabber:client' from='{DOMAIN}'/>",
        f"<stream:stream xmlns:stream='{STREAMS}' from='{DOMAIN}'>",
        f"<!DOCTYPE x><open xmlns='{FRAMING}'/>",
        PROSODY_FEATURES,
        "<stream:features/>",
        '{"type":"echo"}',
        f"<open xmlns='{FRAMING}' from='{'x' * 70_000}'/>",
    ],
)
def test_what_is_not_xmpp(frame: str) -> None:
    """Another protocol, the old framing, no namespace, features before the open, hostile XML."""
    assert failed(frame).cause is Cause.NOT_XMPP


def test_a_second_open_is_not_xmpp() -> None:
    """A stream opens once."""
    assert failed(PROSODY_OPEN, PROSODY_OPEN).cause is Cause.NOT_XMPP


def test_other_frames_are_skipped() -> None:
    """White space, and stanzas once the stream is open."""
    opening = Opening(DOMAIN)
    for frame in (" ", PROSODY_OPEN, "\n", "<message xmlns='jabber:client'/>", PROSODY_FEATURES):
        opening.feed(frame)
    assert opening.done


def test_features_may_lack_mechanisms() -> None:
    """The stream is open all the same; the check decides what that means."""
    opening = Opening(DOMAIN)
    opening.feed(PROSODY_OPEN)
    opening.feed(f"<features xmlns='{STREAMS}'/>")
    assert opening.done
    assert opening.mechanisms == ()
    assert opening.facts() == {"domain": DOMAIN}


def test_mechanisms_are_bounded_and_printable() -> None:
    """However many and however named."""
    opening = Opening(DOMAIN)
    opening.feed(PROSODY_OPEN)
    many = "<mechanism>\u202eX" + "y" * 500 + "</mechanism>"
    opening.feed(f"<features xmlns='{STREAMS}'><mechanisms xmlns='{SASL}'>{many * 100}</mechanisms></features>")
    assert len(opening.mechanisms) == MOST_MECHANISMS
    assert all(name.isprintable() and len(name) <= 64 for name in opening.mechanisms)


@FUZZ
@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from([PROSODY_OPEN, EJABBERD_FEATURES])), max_size=4))
def test_any_frames_open_the_stream_or_have_a_cause(frames: list[str]) -> None:
    """Nothing else comes out."""
    opening = Opening(DOMAIN)
    with suppress(PeerError):
        for frame in frames:
            opening.feed(frame)
    assert opening.opened or not opening.done
