"""The URL of a proxy: what is read, what is refused, and that a password is never seen."""

from __future__ import annotations

import traceback
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rainbow_probe.model import Endpoint
from rainbow_probe.site import SiteError
from rainbow_probe.site.url import ALLOWED, PASSWORD, UNSHOWN, USER, at, parse_proxy, without_secrets

HIDDEN = "Xq7-s3cr3t"
"""Every made-up password begins with it, so that one search finds them all."""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://proxy.clinic.example:3128", "http://proxy.clinic.example:3128"),
        ("http://proxy.clinic.example:3128/", "http://proxy.clinic.example:3128"),
        ("  http://proxy:3128 ", "http://proxy:3128"),
        ("proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy:80"),
        ("http://proxy", "http://proxy:80"),
        ("http://proxy:", "http://proxy:80"),
        ("https://proxy", "https://proxy:443"),
        ("HTTPS://Proxy.Clinic.Example:8443", "https://proxy.clinic.example:8443"),
        ("http://198.18.0.80:3128", "http://198.18.0.80:3128"),
        ("http://[2001:DB8::80]:3128", "http://[2001:db8::80]:3128"),
        ("[2001:db8::80]:3128", "http://[2001:db8::80]:3128"),
        ("http://[fe80::1%25eth0]:3128", "http://[fe80::1%eth0]:3128"),
        ("http://my_proxy.example.:3128", "http://my_proxy.example.:3128"),
        ("http://bücher.example:3128", "http://xn--bcher-kva.example:3128"),
        ("socks5://proxy", "socks5://proxy:1080"),
        ("socks5h://proxy:9050", "socks5://proxy:9050"),
        ("socks://proxy", "socks5://proxy:1080"),
        ("SOCKS4://proxy", "socks4://proxy:1080"),
        ("socks4a://proxy:1", "socks4://proxy:1"),
        (f"socks5://nurse:{HIDDEN}@proxy", "socks5://proxy:1080"),
        (f"http://nurse:{HIDDEN}@proxy:3128", "http://proxy:3128"),
        (f"nurse:{HIDDEN}@proxy:3128", "http://proxy:3128"),
    ],
)
def test_a_url_is_read(url: str, shown: str) -> None:
    """Scheme and port have the defaults of browsers, names are in lower case, credentials are never shown."""
    assert str(parse_proxy(url, "--proxy", {})) == shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http://:3128",
        "http://proxy:0",
        "http://proxy:65536",
        "http://proxy:port",
        "http://proxy:-1",
        "http://proxy:31 28",
        "http://pro xy:3128",
        "http://proxy..clinic:3128",
        "http://-proxy:3128",
        f"http://{'a' * 64}:3128",
        f"http://{'a.' * 130}a:3128",
        f"http://{'ü' * 70}:3128",
        "http://2001:db8::80:3128",
        "http://[2001:db8::80:3128",
        "http://[proxy]:3128",
        "http://[]:3128",
        "http://[v1.a:b]:3128",
        "http://[::zz]:3128",
        "ftp://proxy:3128",
        "socks6://proxy:1080",
        "file:///etc/proxy",
        "http://proxy:3128/proxy.pac",
        "http://proxy:3128?x=y",
        "http://proxy:3128#x",
        "//proxy:3128",
        "http://nurse%ff:pw@proxy",
        "http://nur%3Ase:pw@proxy",
        "http://nurse:p%0d%0aX-Evil:1@proxy",
        "http://\udcff:pw@proxy",
    ],
)
def test_a_malformed_url_is_refused(url: str) -> None:
    """The message is one line that names where the URL is from."""
    with pytest.raises(SiteError, match=r"^https_proxy in the environment: ") as caught:
        parse_proxy(url, "https_proxy in the environment", {})
    assert "\n" not in str(caught.value)


def test_the_message_says_what_is_allowed() -> None:
    """It names the fault and the shape of a right one."""
    with pytest.raises(SiteError) as caught:
        parse_proxy("ftp://proxy", "--proxy", {})
    told = str(caught.value)
    assert told == f"--proxy: not the URL of a proxy: its scheme is not that of a proxy; allowed: {ALLOWED}"


@pytest.mark.parametrize(
    ("url", "environ", "user", "password"),
    [
        (f"http://nurse:{HIDDEN}@proxy", {}, "nurse", HIDDEN),
        ("http://nurse%40clinic:p%2F%3A%40%25%20w@proxy", {}, "nurse@clinic", "p/:@% w"),
        ("http://nurse:a@b@proxy", {}, "nurse", "a@b"),
        ("http://nurse:a:b@proxy", {}, "nurse", "a:b"),
        ("http://infirmi%C3%A8re:%E2%82%AC@proxy", {}, "infirmière", "€"),
        ("http://nurse@proxy", {}, "nurse", ""),
        ("http://nurse:@proxy", {PASSWORD: HIDDEN}, "nurse", ""),
        ("http://nurse@proxy", {PASSWORD: HIDDEN}, "nurse", HIDDEN),
        ("http://proxy", {USER: "nurse", PASSWORD: HIDDEN}, "nurse", HIDDEN),
        ("http://proxy", {USER: "nurse"}, "nurse", ""),
        ("http://proxy", {USER: "50%25", PASSWORD: "100%"}, "50%25", "100%"),
        (f"http://nurse:{HIDDEN}@proxy", {USER: "other", PASSWORD: "other"}, "nurse", HIDDEN),
    ],
)
def test_credentials(url: str, environ: dict[str, str], user: str, password: str) -> None:
    """Those in the URL are percent-decoded and come first, those of the environment are taken as they are."""
    credentials = parse_proxy(url, "--proxy", environ).credentials
    assert credentials is not None
    assert (credentials.user, credentials.password) == (user, password)


@pytest.mark.parametrize("environ", [{}, {USER: ""}, {PASSWORD: HIDDEN}])
@pytest.mark.parametrize("url", ["http://proxy", "http://@proxy", "http://:pw@proxy"])
def test_no_user_no_credentials(url: str, environ: dict[str, str]) -> None:
    """A password alone is for nobody."""
    assert parse_proxy(url, "--proxy", environ).credentials is None


@pytest.mark.parametrize(
    "environ",
    [
        {USER: "a:b", PASSWORD: HIDDEN},
        {USER: "nurse", PASSWORD: f"{HIDDEN}\n"},
        {USER: "nurse\r", PASSWORD: HIDDEN},
        {USER: "nurse", PASSWORD: f"{HIDDEN}\udcff"},
    ],
)
def test_credentials_that_basic_cannot_carry(environ: dict[str, str]) -> None:
    """They are refused by the name of the variable, and not quoted."""
    with pytest.raises(SiteError, match=USER) as caught:
        parse_proxy("http://proxy", "--proxy", environ)
    assert HIDDEN not in str(caught.value)


def test_a_url_that_is_wrong_is_not_in_the_traceback() -> None:
    """What the library says of it, and quotes, does not reach ``--debug`` either."""
    with pytest.raises(SiteError) as caught:
        parse_proxy(f"http://nurse:{HIDDEN}@[proxy", "--proxy", {})
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))


@given(
    password=st.text(max_size=20),
    host=st.text(max_size=20),
    port=st.one_of(st.integers(-5, 70000).map(str), st.text(max_size=6)),
    scheme=st.sampled_from(["http://", "https://", "", "socks5://", "://", "http:", "http:///"]),
    encoded=st.booleans(),
)
@example("/", "proxy", "1", "http://", False)
@example("#", "proxy", "1", "http://", False)
@example("[", "proxy", "1", "http://", False)
@example("\N{FULLWIDTH SOLIDUS}", "proxy", "1", "http://", False)
@example("://", "proxy", "1", "", False)
def test_no_url_shows_its_password(password: str, host: str, port: str, scheme: str, encoded: bool) -> None:
    """Right or wrong, the password is in no text; and nothing but SiteError is raised."""
    secret = HIDDEN + (quote(password, safe="", errors="replace") if encoded else password)
    url = f"{scheme}nurse-{HIDDEN}:{secret}@{host}:{port}"
    try:
        proxy = parse_proxy(url, "--proxy", {})
    except SiteError as exc:
        told = f"{exc} {exc!r}"
    else:
        told = f"{proxy} {proxy!r} {proxy.credentials!r}"
    assert HIDDEN.lower() not in told.lower()
    assert HIDDEN.lower() not in without_secrets(url).lower()


@given(st.text())
@example("http://[")
@example("http://x\N{FULLWIDTH COLON}1/")
@example("http://1.2.3.4.5:٣")
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but SiteError is raised, and what is read is a host and a port."""
    try:
        endpoint = parse_proxy(text, "--proxy", {}).endpoint
    except SiteError:
        return
    assert endpoint.host.isascii()
    assert endpoint.host.isprintable()
    assert 0 < endpoint.port < 65536


@given(host=st.from_regex(r"[a-z]([a-z0-9]{0,10})(\.[a-z0-9]{1,10}){0,3}", fullmatch=True), port=st.integers(1, 65535))
def test_what_is_shown_can_be_read_again(host: str, port: int) -> None:
    """A URL without credentials survives a round trip."""
    proxy = parse_proxy(f"https://{host}:{port}", "--proxy", {})
    assert proxy.endpoint == Endpoint(host=host, port=port)
    assert parse_proxy(str(proxy), "--proxy", {}) == proxy


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://pac.example/proxy.pac", "http://pac.example/proxy.pac"),
        ("file:///etc/proxy.pac", "file:///etc/proxy.pac"),
        (
            f"http://nurse:{HIDDEN}@pac.example:8000/proxy.pac?token={HIDDEN}#{HIDDEN}",
            "http://pac.example:8000/proxy.pac",
        ),
        (f"http:nurse:{HIDDEN}@pac.example/proxy.pac", UNSHOWN),
        (f"http://nurse:{HIDDEN}#/?@pac.example/proxy.pac", "http://pac.example/proxy.pac"),
        (f"nurse:{HIDDEN}://@pac.example/proxy.pac", UNSHOWN),
        ("pac.example/proxy.pac?token=1", "pac.example/proxy.pac"),
        ("http://pac.example/?next=http://x/", "http://pac.example/"),
        ("data:application/x-ns-proxy-autoconfig," + "a" * 300, "data:application/x-ns-proxy-autoconfig," + "a" * 161),
    ],
)
def test_a_url_to_show_has_no_secrets(url: str, shown: str) -> None:
    """The URL of a PAC file goes into the report without user, password and query, and not at any length."""
    assert without_secrets(url) == shown


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("proxy", "3128", "proxy:3128"),
        ("proxy", "0", "proxy"),
        ("proxy", "", "proxy"),
        ("2001:db8::80", "3128", "[2001:db8::80]:3128"),
        ("[2001:db8::80]", "3128", "[2001:db8::80]:3128"),
        ("https://proxy", "3128", "https://proxy:3128"),
    ],
)
def test_host_and_port_make_a_url(host: str, port: str, url: str) -> None:
    """As settings that keep the two apart mean them."""
    assert at(host, port) == url
