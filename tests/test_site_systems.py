"""What operating systems and desktops say of proxies, from recorded samples of each."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.site.gnome import parse_gsettings, read_gsettings
from rainbow_probe.site.kde import parse_kioslaverc, read_kioslaverc
from rainbow_probe.site.macos import parse_scutil
from rainbow_probe.site.proxies import declared_by_system
from rainbow_probe.site.settings import Declared
from rainbow_probe.site.tools import find, output_of
from rainbow_probe.site.windows import CONNECTION, parse_registry, read_registry
from tests.site_samples import printing, sample


def urls(declared: Declared) -> list[tuple[str, bool]]:
    """List the proxies, and whether each is meant for plain HTTP."""
    return [(candidate.url, candidate.plain) for candidate in declared.proxies]


TLS, WEB = ("tls-proxy.clinic.example:8443", False), ("web-proxy.clinic.example:3128", True)


# Windows


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("proxy.clinic.example:8080", [("proxy.clinic.example:8080", False)]),
        ("http://proxy.clinic.example:8080", [("http://proxy.clinic.example:8080", False)]),
        ("proxy.clinic.example", [("proxy.clinic.example", False)]),
        ("http=web-proxy.clinic.example:3128;https=tls-proxy.clinic.example:8443", [TLS, WEB]),
        ("HTTPS=tls-proxy.clinic.example:8443 ftp=ftp.clinic.example:21", [TLS]),
        ("http=web-proxy.clinic.example:3128", [WEB]),
        ("socks=socks.clinic.example:1080", [("socks4://socks.clinic.example:1080", False)]),
        ("socks=socks5://socks.clinic.example:1080;https=", [("socks5://socks.clinic.example:1080", False)]),
        ("ftp=ftp.clinic.example:21", []),
        ("", []),
    ],
)
def test_windows_proxy_server(server: str, expected: list[tuple[str, bool]]) -> None:
    """One proxy for all schemes, or one for each."""
    assert urls(parse_registry({"ProxyEnable": 1, "ProxyServer": server})) == expected


def test_windows_exceptions() -> None:
    """Wildcards, exact names, local names, ports; what is said of other schemes does not concern CONNECT."""
    override = "*.clinic.example;Intranet.clinic.example;10.*;<local>;https://web.example;http://a.example;db:1433"
    declared = parse_registry({"ProxyEnable": 1, "ProxyServer": "p:1", "ProxyOverride": override})
    assert declared.bypass == (
        "*.clinic.example",
        "=intranet.clinic.example",
        "10.*",
        "<local>",
        "=web.example",
        "=db:1433",
    )


def test_windows_switched_off() -> None:
    """The proxy stays in the registry when the switch is off; a PAC file has no switch but its presence."""
    values = {"ProxyEnable": 0, "ProxyServer": "p:1", "ProxyOverride": "a", "AutoConfigURL": "http://pac.example/p.pac"}
    declared = parse_registry(values)
    assert (declared.proxies, declared.bypass) == ((), ())
    assert declared.pac == "http://pac.example/p.pac"


@pytest.mark.parametrize(
    ("connection", "detection"),
    [
        (struct.pack("<III", 70, 5, 0x09), True),
        (struct.pack("<III", 70, 5, 0x01), False),
        (struct.pack("<III", 70, 5, 0x03), False),
        (b"\x46\0\0\0", False),
        (b"", False),
        ("text", False),
        (None, False),
    ],
)
def test_windows_automatic_detection(connection: object, detection: bool) -> None:
    """It is a bit in a blob."""
    assert parse_registry({CONNECTION: connection}).detection is detection


@given(
    st.dictionaries(
        st.sampled_from(["ProxyEnable", "ProxyServer", "ProxyOverride", "AutoConfigURL", CONNECTION]),
        st.one_of(st.just(1), st.integers(), st.text(), st.binary(), st.lists(st.text()), st.none()),
    )
)
def test_a_strange_registry_is_no_error(values: dict[str, object]) -> None:
    """Values of any type."""
    assert isinstance(parse_registry(values), Declared)


def test_the_registry_is_windows_own() -> None:
    """Elsewhere there is nothing to read; on Windows there is always something."""
    import sys

    assert bool(read_registry()) is (sys.platform == "win32")


# macOS


def test_macos_manual() -> None:
    """A proxy for each scheme, and exceptions as browsers read them."""
    declared = parse_scutil(sample("scutil-proxy-manual.txt"))
    assert urls(declared) == [TLS, WEB]
    assert declared.bypass == ("*.local", "169.254/16", "=intranet.clinic.example", "*.lab.clinic.example", "<local>")
    assert (declared.pac, declared.detection) == ("", False)


def test_macos_pac_and_detection() -> None:
    """Both are on at once here."""
    declared = parse_scutil(sample("scutil-proxy-pac.txt"))
    assert (urls(declared), declared.detection) == ([], True)
    assert declared.pac == "http://nurse:s3cr3t@pac.clinic.example:8000/proxy.pac?who=nurse"


def test_macos_one_interfaces_settings_are_not_everybodys() -> None:
    """What stands under ``__SCOPED__`` goes unread, and so does a proxy that is switched off."""
    declared = parse_scutil(sample("scutil-proxy-scoped.txt"))
    assert urls(declared) == [("socks://socks.clinic.example:1080", False), ("[2001:db8::80]:3128", True)]
    assert declared.bypass == ()


@pytest.mark.parametrize("output", ["", "No such command\n", "}\n}\n}", "<array> {\n<dictionary> {", ": : :"])
def test_macos_nothing(output: str) -> None:
    """No answer, or not this one."""
    assert parse_scutil(output) == parse_scutil("")


def test_macos_off() -> None:
    """Exceptions alone are no proxy."""
    assert urls(parse_scutil(sample("scutil-proxy-off.txt"))) == []


# GNOME


def test_gnome_manual() -> None:
    """The proxy for HTTPS comes first; quotes of both kinds are understood."""
    declared = parse_gsettings(sample("gsettings-manual.txt"))
    assert urls(declared) == [TLS, WEB]
    assert declared.bypass == ("=localhost", "127.0.0.0/8", "::1", "*.lab.clinic.example", "=it's.odd")
    assert "s3cr3t" not in repr(declared)


@pytest.mark.parametrize(
    ("name", "proxies", "pac", "detection"),
    [
        ("gsettings-http-only.txt", [WEB], "", False),
        ("gsettings-pac.txt", [], "http://pac.clinic.example/proxy.pac", False),
        ("gsettings-wpad.txt", [], "", True),
        ("gsettings-none.txt", [], "", False),
    ],
)
def test_gnome_modes(name: str, proxies: list[tuple[str, bool]], pac: str, detection: bool) -> None:
    """The mode decides which of the stored settings hold."""
    declared = parse_gsettings(sample(name))
    assert (urls(declared), declared.pac, declared.detection) == (proxies, pac, detection)


def test_gnome_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the real tool prints is what the samples promise."""
    if not find("gsettings", {}):
        pytest.skip("platform: no GNOME library here")
    monkeypatch.setenv("GSETTINGS_BACKEND", "keyfile")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "glib-2.0" / "settings"
    folder.mkdir(parents=True)
    (folder / "keyfile").write_text(
        "[system/proxy]\nmode='manual'\nignore-hosts=['*.lab.clinic.example']\n"
        "[system/proxy/https]\nhost='tls-proxy.clinic.example'\nport=8443\n"
    )
    printed = read_gsettings({})
    if "autoconfig-url" not in printed:
        pytest.skip("platform: no GNOME settings schemas here")
    declared = parse_gsettings(printed)
    assert urls(declared) == [TLS]
    assert declared.bypass == ("*.lab.clinic.example",)


# KDE


def test_kde_manual() -> None:
    """Only the section on proxies counts; a PAC file that is not switched on does not."""
    declared = parse_kioslaverc(sample("kioslaverc-manual.txt"), {})
    assert urls(declared) == [
        ("http://tls-proxy.clinic.example:8443", False),
        ("socks://socks.clinic.example:1080", False),
        ("http://web-proxy.clinic.example:3128", True),
    ]
    assert declared.bypass == ("localhost", ".clinic.example", "10.0.0.0/8")
    assert (declared.pac, declared.notes) == ("", ())


def test_kde_pac() -> None:
    """A PAC file, and no proxy although one is still written there."""
    declared = parse_kioslaverc(sample("kioslaverc-pac.txt"), {})
    assert (urls(declared), declared.pac) == ([], "http://pac.clinic.example/proxy.pac")


def test_kde_detection() -> None:
    """Automatic detection has a number of its own."""
    assert parse_kioslaverc("[Proxy Settings]\nProxyType=3\n", {}).detection


def test_kde_variables() -> None:
    """KDE may name the variables to look into, also such as nobody else knows."""
    environ = {"CORPORATE_PROXY": "http://tls-proxy.clinic.example:8443", "no_proxy": ".clinic.example,10.0.0.0/8"}
    declared = parse_kioslaverc(sample("kioslaverc-variables.txt"), environ)
    assert urls(declared) == [("http://tls-proxy.clinic.example:8443", False)]
    assert declared.bypass == (".clinic.example", "10.0.0.0/8")
    assert urls(parse_kioslaverc(sample("kioslaverc-variables.txt"), {})) == []


def test_kde_reversed_exceptions() -> None:
    """A list of the hosts that do use the proxy is not followed, and that is told."""
    declared = parse_kioslaverc(sample("kioslaverc-reversed.txt"), {})
    assert urls(declared) == [("http://tls-proxy.clinic.example:8443", False)]
    assert declared.bypass == ()
    assert len(declared.notes) == 1


def test_kde_files(tmp_path: Path) -> None:
    """The user's own file comes before the system's; without either there is nothing."""
    own, everybody, home = (tmp_path / name for name in ("own", "all", "home"))
    for folder in (own, everybody, home / ".config"):
        folder.mkdir(parents=True)
    environ = {"XDG_CONFIG_HOME": str(own), "XDG_CONFIG_DIRS": f"/nowhere:{everybody}", "HOME": str(home)}
    assert read_kioslaverc(environ) == ""
    (everybody / "kioslaverc").write_text("everybody's")
    assert read_kioslaverc(environ) == "everybody's"
    (own / "kioslaverc").write_text("own")
    assert read_kioslaverc(environ) == "own"
    (home / ".config" / "kioslaverc").write_text("home")
    assert read_kioslaverc({"HOME": str(home)}) == "home"


# All of them


@given(st.text())
def test_garbage_is_no_error(text: str) -> None:
    """Whatever a tool prints or a file holds."""
    for declared in (parse_scutil(text), parse_gsettings(text), parse_kioslaverc(text, {})):
        assert isinstance(declared, Declared)


@pytest.mark.parametrize(
    ("platform", "desktop", "where"),
    [
        ("win32", "", "Windows settings"),
        ("darwin", "", "macOS settings"),
        ("linux", "KDE", "KDE settings"),
        ("linux", "GNOME", "GNOME settings"),
        ("linux", "ubuntu:GNOME", "GNOME settings"),
        ("linux", "X-Cinnamon", "GNOME settings"),
        ("linux", "", "no desktop"),
        ("linux", "sway", "no desktop"),
        ("freebsd14", "KDE", "KDE settings"),
    ],
)
def test_who_is_asked(tmp_path: Path, platform: str, desktop: str, where: str) -> None:
    """The system's own settings, and on the free ones those of the desktop in use."""
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path), "XDG_CURRENT_DESKTOP": desktop}
    assert declared_by_system(environ, platform).where == where


def test_a_tool_is_really_run(tmp_path: Path) -> None:
    """The settings of macOS come through its own tool."""
    environ = printing(tmp_path, "scutil", "scutil-proxy-manual.txt")
    assert urls(declared_by_system(environ, "darwin")) == [TLS, WEB]
    assert output_of("scutil", environ={}) == ""
