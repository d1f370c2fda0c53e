"""Which proxy a run uses, from where, and what is told of all that it does not use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.model import Site
from rainbow_probe.site import SiteError, read_site
from rainbow_probe.site.proxies import find_proxy
from rainbow_probe.site.settings import Candidate, Chosen, Declared, choose_leniently
from rainbow_probe.site.url import PASSWORD, USER
from tests.site_samples import printing

HIDDEN = "s3cr3t"


def auto(environ: dict[str, str], platform: str = "linux") -> Chosen:
    """Choose as a run does that was told nothing."""
    return find_proxy("auto", environ, platform)


@pytest.mark.parametrize(
    ("environ", "proxy", "where"),
    [
        ({}, "None", "none"),
        ({"https_proxy": "a:1"}, "http://a:1", "https_proxy in the environment"),
        ({"HTTPS_PROXY": "a:1"}, "http://a:1", "HTTPS_PROXY in the environment"),
        ({"HTTPS_PROXY": "a:1", "https_proxy": "b:2"}, "http://b:2", "https_proxy in the environment"),
        ({"all_proxy": "a:1", "HTTPS_PROXY": "b:2"}, "http://b:2", "HTTPS_PROXY in the environment"),
        ({"ALL_PROXY": "a:1", "http_proxy": "b:2"}, "http://a:1", "ALL_PROXY in the environment"),
        ({"all_proxy": "https://a"}, "https://a:443", "all_proxy in the environment"),
        ({"http_proxy": "a:1"}, "http://a:1", "http_proxy in the environment"),
        ({"HTTP_PROXY": "a:1"}, "None", "none"),
        ({"https_proxy": "", "HTTPS_PROXY": "a:1"}, "http://a:1", "HTTPS_PROXY in the environment"),
        ({"https_proxy": " "}, "None", "none"),
        ({"all_proxy": "socks5://a:1", "http_proxy": "b:2"}, "socks5://a:1", "all_proxy in the environment"),
        ({"https_proxy": "socks5://a:1"}, "socks5://a:1", "https_proxy in the environment"),
    ],
)
def test_the_environment(environ: dict[str, str], proxy: str, where: str) -> None:
    """Lower case before upper; https_proxy before all_proxy before http_proxy, whose upper case is not used."""
    chosen = auto(environ)
    assert (str(chosen.proxy), chosen.where) == (proxy, where)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"https_proxy": "a:1"}, []),
        ({"http_proxy": "a:1"}, ["http_proxy", "plain HTTP"]),
        ({"HTTP_PROXY": "a:1"}, ["HTTP_PROXY", "upper case"]),
        ({"HTTP_PROXY": "a:1", "https_proxy": "a:1"}, []),
    ],
)
def test_notes_of_the_environment(environ: dict[str, str], words: list[str]) -> None:
    """What is seen and not followed is told in one note, without its secrets."""
    notes = auto(environ).notes
    assert len(notes) == bool(words)
    assert all(word in notes[0] for word in words)
    assert HIDDEN not in repr(notes)


@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY", "http_proxy"])
def test_a_malformed_variable_is_refused(name: str) -> None:
    """By its name, as curl would refuse it, and without its password."""
    with pytest.raises(SiteError, match=f"^{name} in the environment: ") as caught:
        auto({name: f"http://nurse:{HIDDEN}@proxy:port"})
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "patterns", "where"),
    [
        ({}, (), ""),
        ({"no_proxy": ".a.example, 10.0.0.0/8"}, (".a.example", "10.0.0.0/8"), "no_proxy in the environment"),
        ({"NO_PROXY": "*"}, ("*",), "NO_PROXY in the environment"),
        ({"NO_PROXY": "b", "no_proxy": "a"}, ("a",), "no_proxy in the environment"),
        ({"NO_PROXY": "b", "no_proxy": ""}, ("b",), "NO_PROXY in the environment"),
        ({"NO_PROXY": "evil\x1b[31m"}, ("evil\\x1b[31m",), "NO_PROXY in the environment"),
    ],
)
@pytest.mark.parametrize("wanted", ["auto", "http://proxy:3128"])
def test_no_proxy(environ: dict[str, str], patterns: tuple[str, ...], where: str, wanted: str) -> None:
    """It holds for a proxy of the environment and for one given, as with curl."""
    chosen = find_proxy(wanted, {"https_proxy": "proxy:3128", **environ}, "linux")
    assert (chosen.bypass, chosen.bypass_where) == (patterns, where)


def test_exceptions_without_a_proxy_say_nothing() -> None:
    """They are part of no way out."""
    assert auto({"NO_PROXY": "a"}) == Chosen()


def test_none_asks_nobody() -> None:
    """Neither the environment nor the system, not even where they are wrong."""
    environ = {"https_proxy": "http://[", "auto_proxy": "", "NO_PROXY": "a"}
    assert find_proxy("none", environ, "linux") == Chosen(where="--proxy none")


def test_a_url_given_comes_before_all(tmp_path: Path) -> None:
    """The environment and the system are not even told."""
    environ = printing(tmp_path, "scutil", "scutil-proxy-manual.txt") | {"https_proxy": "http://["}
    chosen = find_proxy("http://proxy:3128", environ, "darwin")
    assert (str(chosen.proxy), chosen.where, chosen.notes) == ("http://proxy:3128", "--proxy", ())


@pytest.mark.parametrize("wanted", ["", " ", "socks6://proxy:1080", "AUTO:x", "http://", f"ftp://n:{HIDDEN}@proxy"])
def test_a_wrong_option_is_refused(wanted: str) -> None:
    """In one line that says what is allowed."""
    with pytest.raises(SiteError, match=r"^--proxy: .*allowed: .*http://\[user") as caught:
        find_proxy(wanted, {}, "linux")
    assert HIDDEN not in str(caught.value)


def test_the_systems_proxy_is_used_where_the_environment_has_none(tmp_path: Path) -> None:
    """With the system's own exceptions, not those of the environment."""
    environ = printing(tmp_path, "scutil", "scutil-proxy-manual.txt") | {"NO_PROXY": "a"}
    chosen = auto(environ, "darwin")
    assert (str(chosen.proxy), chosen.where) == ("http://tls-proxy.clinic.example:8443", "macOS settings")
    assert (chosen.bypass[0], chosen.bypass_where) == ("*.local", "macOS settings")
    assert chosen.notes == ()


def test_the_environment_comes_first_and_the_other_is_told(tmp_path: Path) -> None:
    """Browsers would take the system's: the user must know."""
    environ = printing(tmp_path, "scutil", "scutil-proxy-manual.txt") | {"https_proxy": "proxy:3128"}
    chosen = auto(environ, "darwin")
    assert str(chosen.proxy) == "http://proxy:3128"
    [note] = chosen.notes
    assert note.startswith("macOS settings name another proxy (http://tls-proxy.clinic.example:8443)")


def test_the_same_proxy_twice_is_no_news(tmp_path: Path) -> None:
    """Environment and system agree."""
    environ = printing(tmp_path, "scutil", "scutil-proxy-manual.txt")
    assert auto(environ | {"https_proxy": "http://tls-proxy.clinic.example:8443"}, "darwin").notes == ()


def test_pac_files_are_taken_in_the_order_of_clients(tmp_path: Path) -> None:
    """Detection first, then the file that is named; its URL shows no credentials."""
    chosen = auto(printing(tmp_path, "scutil", "scutil-proxy-pac.txt"), "darwin")
    assert list(map(str, chosen.pacs)) == [
        "automatic detection, WPAD (macOS settings)",
        "http://pac.clinic.example:8000/proxy.pac (macOS settings)",
    ]
    assert chosen.notes == ()


def test_a_pac_file_beside_the_environments_proxy_is_told(tmp_path: Path) -> None:
    """Browsers of the desktop may use it: the user must know, and how to test it."""
    chosen = auto(printing(tmp_path, "scutil", "scutil-proxy-pac.txt") | {"https_proxy": "proxy:3128"}, "darwin")
    assert chosen.pacs == ()
    detection, pac = chosen.notes
    assert pac == (
        "macOS settings name a PAC file (http://pac.clinic.example:8000/proxy.pac), which browsers may use; "
        "give --proxy pac:URL to test it"
    )
    assert "--proxy wpad" in detection


@pytest.mark.parametrize(
    ("text", "shown", "url"),
    [
        ("http://nurse:s3cr3t@pac.example/p.pac", "http://pac.example/p.pac", "http://nurse:s3cr3t@pac.example/p.pac"),
        ("", "automatic detection, WPAD", ""),
    ],
)
def test_the_environments_pac_file(text: str, shown: str, url: str) -> None:
    """``auto_proxy`` is Chromium's own variable: a file, or the wish to find one."""
    chosen = auto({"auto_proxy": text, "https_proxy": "proxy:3128"})
    [pac] = chosen.pacs
    assert (pac.shown, pac.url, pac.where) == (shown, url, "the environment")
    assert "s3cr3t" not in repr(chosen)
    assert str(chosen.proxy) == "http://proxy:3128"


def test_the_user_names_a_pac_file(tmp_path: Path) -> None:
    """A URL, a file that is there, or that one is to be found; whose proxies get the environment's credentials."""
    file = tmp_path / "proxy.pac"
    file.write_text("function FindProxyForURL() {}")
    for wanted, url in {"pac:https://a.example/p": "https://a.example/p", f"pac:{file}": str(file), "wpad": ""}.items():
        [pac] = find_proxy(wanted, {USER: "nurse", PASSWORD: HIDDEN}).pacs
        assert (pac.url, pac.where) == (url, "--proxy")
        assert pac.credentials is not None
        assert HIDDEN not in repr(pac)
    with pytest.raises(SiteError, match="no such file"):
        find_proxy(f"pac:{file}x", {})


def test_a_malformed_proxy_costs_no_pac_file() -> None:
    """It is a note; the file beside it is used."""
    bad = (Candidate(where="Windows settings", url="http://[:1"),)
    chosen = choose_leniently(Declared(where="Windows settings", proxies=bad, pac="http://a/p.pac"), {})
    assert [pac.url for pac in chosen.pacs] == ["http://a/p.pac"]
    assert "malformed" in chosen.notes[0]


def test_a_proxy_for_plain_http_only(tmp_path: Path) -> None:
    """Beside a SOCKS proxy it is not used: TLS goes to the one that is for all the rest."""
    chosen = auto(printing(tmp_path, "scutil", "scutil-proxy-scoped.txt"), "darwin")
    assert (str(chosen.proxy), chosen.where) == ("socks5://socks.clinic.example:1080", "macOS settings")


def test_a_malformed_proxy_of_the_system_is_a_note() -> None:
    """The user did not write it, and may not be able to change it."""
    declared = Declared(
        where="Windows settings", proxies=(Candidate(where="Windows settings", url=f"http://n:{HIDDEN}@[:1"),)
    )
    chosen = choose_leniently(declared, {})
    assert chosen.proxy is None
    assert [note for note in chosen.notes if "malformed" in note] == list(chosen.notes) != []
    assert HIDDEN not in repr((declared, chosen))


def test_the_users_own_credentials_are_not_forgiven() -> None:
    """Even for the system's proxy."""
    declared = Declared(where="Windows settings", proxies=(Candidate(where="Windows settings", url="proxy:1"),))
    with pytest.raises(SiteError, match=USER):
        choose_leniently(declared, {USER: "a:b"})


def test_the_environments_credentials_are_for_any_proxy(tmp_path: Path) -> None:
    """Systems do not keep them where a program could read them."""
    environ = printing(tmp_path, "scutil", "scutil-proxy-manual.txt") | {USER: "nurse", PASSWORD: HIDDEN}
    proxy = auto(environ, "darwin").proxy
    assert proxy is not None
    assert proxy.credentials is not None
    assert (proxy.credentials.user, proxy.credentials.password) == ("nurse", HIDDEN)


@pytest.mark.parametrize("name", ["https_proxy", "all_proxy"])
def test_no_secret_is_in_the_site(name: str) -> None:
    """Nothing that is printed of it holds user or password."""
    site = read_site(environ={name: f"https://nurse:{HIDDEN}@proxy.example"})
    assert isinstance(site, Site)
    assert "proxy.example" in repr(site)
    assert HIDDEN not in f"{site} {site!r} {site.proxy}"
    assert "nurse" not in f"{site} {site!r} {site.proxy}"


NAMES = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY", "auto_proxy", "NO_PROXY"]


@given(st.dictionaries(st.sampled_from([*NAMES, "no_proxy", USER, PASSWORD]), st.text(max_size=40)))
def test_any_environment_is_read_or_refused(environ: dict[str, str]) -> None:
    """Nothing but SiteError, and never the password."""
    if PASSWORD in environ:
        environ[PASSWORD] = f"Xq7-{HIDDEN}{environ[PASSWORD]}"
    try:
        told = repr(auto(environ))
    except SiteError as exc:
        told = str(exc)
    assert HIDDEN not in told
