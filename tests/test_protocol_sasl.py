"""SCRAM in XMPP's frames: who knows the password is let in, and who only says so is found out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.demo.sasl import SignIn
from rainbow_probe.model import Cause, Credentials, PeerError
from rainbow_probe.protocols.sasl import FEWEST, MECHANISMS, MOST, Scram, chosen
from rainbow_probe.protocols.xmpp import FRAMING, SASL, STREAMS

ME = Credentials(user="7e11a5,=é@openrainbow.health", password="sesame-open-77 é")  # noqa: S106 - made up


def frame(name: str, text: str = "", inside: str = "") -> str:
    """Make an element of SASL with *text* in base64."""
    return f'<{name} xmlns="{SASL}">{base64.b64encode(text.encode()).decode()}{inside}</{name}>'


def sent(text: str) -> tuple[str, dict[str, str], str]:
    """Read a frame of ours."""
    element = ET.fromstring(text)  # noqa: S314 - our own
    return element.tag.partition("}")[2], dict(element.attrib), element.text or ""


def replies(server: SignIn, text: str) -> Iterator[str]:
    """Give a frame of ours to the server."""
    return server.feed(*sent(text))


def first_nonce(auth: str) -> str:
    """Return the nonce of our first message."""
    return base64.b64decode(sent(auth)[2]).decode().rpartition("r=")[2]


def challenge(auth: str, rounds: int = FEWEST, salt: bytes = b"s" * 16) -> str:
    """Make a challenge that fits, by somebody who knows no password."""
    return frame("challenge", f"r={first_nonce(auth)}more,s={base64.b64encode(salt).decode()},i={rounds}")


def told(scram: Scram, *frames: str) -> PeerError:
    """Return what the last of *frames* leads to; no secret is in it."""
    for one in frames[:-1]:
        scram.feed(one)
    with pytest.raises(PeerError) as refused:
        scram.feed(frames[-1])
    assert all(word not in f"{refused.value}{refused.value.__cause__}" for word in ("sesame", "7e11a5", "r="))
    return refused.value


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_both_ends_prove_that_they_know_the_password(mechanism: str) -> None:
    """Against the server's side of the same library; the lab has two other servers."""
    scram, server = Scram(mechanism, ME), SignIn(ME)
    [asked] = replies(server, scram.auth())
    [success] = replies(server, scram.feed(asked))
    assert not scram.done
    assert scram.feed(success) == ""
    assert scram.done
    assert server.done


def test_the_last_proof_may_come_before_the_success() -> None:
    """As some servers send it: in a challenge of its own, RFC 4422 section 5."""
    scram, server = Scram(MECHANISMS[0], ME), SignIn(ME)
    [asked] = replies(server, scram.auth())
    [success] = replies(server, scram.feed(asked))
    assert scram.feed(success.replace("success", "challenge")) == f'<response xmlns="{SASL}"/>'
    assert not scram.done
    assert scram.feed(f'<success xmlns="{SASL}"/>') == ""
    assert scram.done


def test_a_wrong_password_is_a_word_on_the_account() -> None:
    """It was given by the service itself; the network is not to blame."""
    scram, server = Scram(MECHANISMS[0], Credentials(user=ME.user, password="other")), SignIn(ME)  # noqa: S106 - wrong
    [asked] = replies(server, scram.auth())
    [failure] = replies(server, scram.feed(asked))
    assert told(scram, failure).cause is Cause.ACCOUNT_REFUSED
    assert not server.done


@pytest.mark.parametrize(
    ("condition", "cause"),
    [
        ("not-authorized", Cause.ACCOUNT_REFUSED),
        ("account-disabled", Cause.ACCOUNT_INACTIVE),
        ("credentials-expired", Cause.ACCOUNT_REFUSED),
        ("temporary-auth-failure", Cause.SERVER_ERROR),
        ("7e11a5", Cause.ACCOUNT_REFUSED),
    ],
)
def test_each_refusal_is_told(condition: str, cause: Cause) -> None:
    """RFC 6120 section 6.5, and what is not in it; the server's own words are not quoted."""
    inside = f"<x{condition}/><{condition}/>" if condition[0].isalpha() else "<other/>"
    assert told(Scram(MECHANISMS[1], ME), frame("failure", inside=f"{inside}<text>sesame</text>")).cause is cause


def test_who_does_not_know_the_password_is_no_server_of_ours() -> None:
    """Success without proof, with a wrong one, or without even looking at ours."""
    assert told(Scram(MECHANISMS[0], ME), frame("success")).cause is Cause.BAD_INTEGRITY
    for last in (frame("success"), frame("success", "v=AAAA"), frame("success", "e=other-error"), frame("challenge")):
        scram = Scram(MECHANISMS[0], ME)
        assert told(scram, challenge(scram.auth()), last).cause is Cause.BAD_INTEGRITY
        assert not scram.done


@pytest.mark.parametrize(
    ("rounds", "salt", "cause"),
    [
        (FEWEST - 1, b"s" * 16, Cause.CANNOT_TELL),
        (MOST + 1, b"s" * 16, Cause.CANNOT_TELL),
        (10**11, b"s" * 16, Cause.CANNOT_TELL),
        (0, b"s" * 16, Cause.UNEXPECTED_REPLY),
        (FEWEST, b"", Cause.UNEXPECTED_REPLY),
    ],
)
def test_a_challenge_that_is_not_answered(rounds: int, salt: bytes, cause: Cause) -> None:
    """Too easy to guess from, or so hard that it is an attack; nothing of the password leaves."""
    scram = Scram(MECHANISMS[0], ME)
    assert told(scram, challenge(scram.auth(), rounds, salt)).cause is cause


def test_a_challenge_for_somebody_else() -> None:
    """The server must go on with our nonce."""
    scram = Scram(MECHANISMS[0], ME)
    assert told(scram, challenge(Scram(MECHANISMS[0], ME).auth())).cause is Cause.UNEXPECTED_REPLY


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("", Cause.NOT_XMPP),
        ("r=7e11a5", Cause.NOT_XMPP),
        (f'<challenge xmlns="{SASL}">r=7e11a5 ***</challenge>', Cause.NOT_XMPP),
        (f'<challenge xmlns="{SASL}">gICAgA==</challenge>', Cause.NOT_XMPP),
        ('<challenge xmlns="jabber:client"/>', Cause.NOT_XMPP),
        (f'<other xmlns="{SASL}">sesame</other>', Cause.NOT_XMPP),
        (f'<close xmlns="{FRAMING}"/>', Cause.STREAM_ERROR),
        (f'<error xmlns="{STREAMS}"><x xmlns="y"/></error>', Cause.STREAM_ERROR),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>', Cause.NOT_XMPP),
    ],
)
def test_what_does_not_belong_there(said: str, cause: Cause) -> None:
    """And quotes nothing."""
    assert told(Scram(MECHANISMS[0], ME), said).cause is cause


@given(st.text())
def test_no_text_is_taken_for_a_success(text: str) -> None:
    """Whatever comes, it is refused."""
    scram = Scram(MECHANISMS[1], ME)
    scram.auth()
    assert told(scram, frame("challenge", text)).cause in {Cause.UNEXPECTED_REPLY, Cause.NOT_XMPP, Cause.CANNOT_TELL}


def test_what_is_chosen() -> None:
    """The strongest; never a password in the clear, and no channel binding, which TLS 1.3 has for few."""
    assert chosen(["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]) == "SCRAM-SHA-256"
    assert chosen(["SCRAM-SHA-1"]) == "SCRAM-SHA-1"
    assert chosen(["PLAIN", "SCRAM-SHA-1-PLUS", "DIGEST-MD5"]) == ""


def test_a_password_that_cannot_be_one() -> None:
    """SASLprep allows no control characters; it is told without quoting it."""
    with pytest.raises(PeerError) as refused:
        Scram(MECHANISMS[0], Credentials(user="a@b", password="sesame\x07"))  # noqa: S106 - made up
    assert refused.value.cause is Cause.CANNOT_TELL
    assert "sesame" not in str(refused.value)


def test_who_answers_before_being_asked_is_refused() -> None:
    """The demo's server lets nobody in by the end alone, by another mechanism, or without an account."""
    assert "<failure" in next(SignIn(ME).feed("response", {}, "eA=="))
    assert "<failure" in next(SignIn(ME).feed("auth", {"mechanism": "PLAIN"}, "eA=="))
    assert "<failure" in next(replies(SignIn(), Scram(MECHANISMS[0], ME).auth()))
