"""What proxies ask for, as they write it: schemes, their parameters and their messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.protocols.challenges import challenges, schemes
from tests.test_stun import FUZZ


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("", ()),
        ("Basic", ("Basic",)),
        ('Basic realm="a, b"', ("Basic",)),
        ('Basic realm="say \\"Digest, NTLM\\""', ("Basic",)),
        ('Digest realm="x", nonce="y", qop="auth", Basic realm="x"', ("Digest", "Basic")),
        ("Negotiate, NTLM, Basic realm = x , charset = UTF-8", ("Negotiate", "NTLM", "Basic")),
        ("NTLM TlRMTVNTUAACAAAA==, NTLM", ("NTLM",)),
        ('Basic realm="never closed, NTLM', ("Basic",)),
        (",,;,", ()),
        ('realm="of nobody", Basic', ("Basic",)),
    ],
)
def test_schemes_are_told_from_parameters(field: str, found: tuple[str, ...]) -> None:
    """RFC 9110 section 11.6.1, as proxies write it."""
    assert schemes(field) == found


def test_parameters_belong_to_their_scheme() -> None:
    """Quoted or not, whatever the case of their names; the first of two counts."""
    text = 'Digest realm="a \\"b\\", c", QOP="auth,auth-int", Algorithm=MD5 , nonce="", realm=other, Basic realm=x'
    digest, basic = challenges(text)
    assert digest.parameters == {"realm": 'a "b", c', "qop": "auth,auth-int", "algorithm": "MD5", "nonce": ""}
    assert (basic.name, basic.parameters) == ("basic", {"realm": "x"})


@pytest.mark.parametrize("token", ["TlRMTVNTUAACAAAA", "oYG2MIGzoAMKAQGh==", "a/b+c="])
def test_a_message_is_no_parameter(token: str) -> None:
    """Padding looks like the sign between a name and its value."""
    first, second = challenges(f"NTLM {token}, Negotiate")
    assert (first.token, first.parameters, second.token) == (token, {}, "")
    assert token not in repr(first)


@FUZZ
@given(st.text(max_size=200) | st.text(alphabet='Ab1= ,"\\', max_size=200))
def test_any_field_has_schemes(field: str) -> None:
    """Each is one word, and given once."""
    found = schemes(field)
    assert len(set(found)) == len(found)
    assert all(word and not set(word) & set(' ,"=') for word in found)
