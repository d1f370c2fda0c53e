"""Digest, byte for byte: the examples of RFC 7616, RFC 2617 and RFC 2069."""

from __future__ import annotations

import hashlib
import re

import pytest

from rainbow_probe.model import Credentials
from rainbow_probe.protocols.challenges import challenges
from rainbow_probe.protocols.digest import Asked, answer, stale, usable

MUFASA = Credentials(user="Mufasa", password="Circle of Life")  # noqa: S106 - of the RFC's example
NEW = 'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
NEW_OPAQUE = 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
NEW_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OLD = 'realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
PAGE = "/dir/index.html"
VECTORS = [
    # RFC 7616 section 3.9.1
    (f"{NEW}, algorithm=SHA-256", "Circle of Life", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    (f"{NEW}, algorithm=MD5", "Circle of Life", "8ca523f5e9506fed4657c9700eebdbec"),
    (f"{NEW}, algorithm=md5", "Circle of Life", "8ca523f5e9506fed4657c9700eebdbec"),
    # RFC 2069 section 2.4, as its errata have it: neither algorithm nor qop
    (OLD, "CircleOfLife", "1949323746fe6a43ef61f9606e7febea"),
]


def asked(cnonce: str = NEW_CNONCE, count: int = 1) -> Asked:
    """Return the request of the RFC's examples."""
    return Asked(method="GET", target=PAGE, cnonce=cnonce, count=count)


@pytest.mark.parametrize(("parameters", "password", "response"), VECTORS)
def test_the_examples_of_the_rfcs(parameters: str, password: str, response: str) -> None:
    """The proof of the password is the one printed there."""
    (challenge,) = challenges(f"Digest {parameters}, {NEW_OPAQUE}")
    assert usable(challenge)
    told = answer(challenge, Credentials(user="Mufasa", password=password), asked())
    assert f'response="{response}"' in told
    assert NEW_OPAQUE in told
    assert "Circle" not in told


def test_the_whole_answer() -> None:
    """As RFC 2617 section 3.5 prints it: what is quoted, and what is not."""
    (challenge,) = challenges(f'Digest {OLD}, qop="auth,auth-int", opaque="5ccc069c403ebaf9f0171e9517f40e41"')
    rafiki = Credentials(user="Mufasa", password="Circle Of Life")  # noqa: S106 - of the RFC's example
    assert answer(challenge, rafiki, asked("0a4f113b")) == (
        'Digest username="Mufasa", realm="testrealm@host.com", uri="/dir/index.html", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", nc=00000001, cnonce="0a4f113b", qop=auth, '
        'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )


def test_a_session_binds_the_nonces_in() -> None:
    """RFC 7616 section 3.4.2: the hash of the password is hashed again with both nonces."""
    (challenge,) = challenges(f"Digest {NEW}, algorithm=SHA-256-sess")
    told = answer(challenge, MUFASA, asked(count=10))

    def hashed(*parts: str) -> str:
        return hashlib.sha256(":".join(parts).encode()).hexdigest()

    nonce = challenge.parameters["nonce"]
    secret = hashed(hashed("Mufasa", "http-auth@example.org", "Circle of Life"), nonce, NEW_CNONCE)
    proof = hashed(secret, nonce, "0000000a", NEW_CNONCE, "auth", hashed("GET", PAGE))
    assert f'nc=0000000a, cnonce="{NEW_CNONCE}", qop=auth, response="{proof}"' in told


@pytest.mark.parametrize(
    ("user", "more", "named"),
    [
        ('a "b" \\', "", 'username="a \\"b\\" \\\\"'),
        ("zoë", ", charset=UTF-8", "username*=UTF-8''zo%C3%AB"),
        ("zoë", ", userhash=true", f'username="{hashlib.md5("zoë:r".encode()).hexdigest()}", userhash=true'),  # noqa: S324 - it is what Digest says
    ],
)
def test_how_the_user_is_named(user: str, more: str, named: str) -> None:
    """Quoted, encoded (RFC 8187), or by a hash if the proxy takes that (RFC 7616 section 3.4.4)."""
    (challenge,) = challenges(f"Digest realm=r, nonce=n, qop=auth{more}")
    assert f"Digest {named}, realm=" in answer(challenge, Credentials(user=user, password="x"), asked())  # noqa: S106 - made up


def test_a_realm_in_another_charset_is_hashed_as_it_came() -> None:
    """And given back so: what we do not understand we do not touch."""
    realm = b"caf\xe9".decode("utf-8", "surrogateescape")
    (challenge,) = challenges(f'Digest realm="{realm}", nonce=n')
    secret = hashlib.md5(b"Mufasa:caf\xe9:Circle of Life").hexdigest()  # noqa: S324 - it is what Digest says
    request = hashlib.md5(f"GET:{PAGE}".encode()).hexdigest()  # noqa: S324 - it is what Digest says
    proof = hashlib.md5(f"{secret}:n:{request}".encode()).hexdigest()  # noqa: S324 - it is what Digest says
    told = answer(challenge, MUFASA, asked())
    assert f'response="{proof}"' in told
    assert b'realm="caf\xe9"' in told.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("parameters", "good"),
    [
        ("nonce=n", True),
        ("nonce=n, algorithm=SHA-256-SESS, qop=auth", True),
        ("nonce=n, algorithm=SHA-512-256", False),
        ("nonce=n, qop=auth-int", False),
        ("realm=x", False),
    ],
)
def test_what_can_be_answered(parameters: str, good: bool) -> None:
    """An algorithm and a protection that we have, and a nonce."""
    assert usable(challenges(f"Digest {parameters}")[0]) is good


@pytest.mark.parametrize(("parameters", "old"), [("stale=TRUE", True), ("stale=false", False), ("nonce=n", False)])
def test_an_old_nonce_is_no_refusal(parameters: str, old: bool) -> None:
    """RFC 7616 section 3.3."""
    assert stale(challenges(f"Digest {parameters}")[0]) is old


def test_an_answer_shows_no_secret_in_its_repr() -> None:
    """What makes up the proof is not printed."""
    assert not re.search("f2/wE", repr(asked()))
