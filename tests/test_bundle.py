"""A bundle for support: everything in one file, and with --redact nothing that is the site's own."""

from __future__ import annotations

import copy
import html
import io
import ipaddress
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from rainbow_probe.bundle.inside import as_address, inside_of
from rainbow_probe.bundle.pack import packed
from rainbow_probe.bundle.pseudonyms import KEY_FILE, Pseudonyms, own_key
from rainbow_probe.bundle.redact import Level, redacted
from rainbow_probe.report.as_json import dumps
from rainbow_probe.report.from_json import loads
from tests.commands import command
from tests.report_samples import broken_site

HOSTS = ("openrainbow.health", "turn-gra1.openrainbow.health", "mtalk.google.com")
RANGES = ("51.83.83.128/27",)
KEY = Pseudonyms(key=b"k" * 32)
NAMES = (
    *("Clinic East", "north-wing", "laptop-17", "corp.clinic.example", "proxy01", "cache02", "intranet.clinic.example"),
    *("jdoe", "asmith", "Jane.Doe@clinic.example", "Clinic Inspection CA", "Clinic Holding", "Mr Unnamed"),
)
ADDRESSES = ("10.20.30.40", "fd12:3456::17", "203.0.113.9", "192.168.7.1", "2001:db8:77::5", "fe80::9")
PUBLIC = ("openrainbow.health", "51.83.83.140", "51.75.1.2", "2a01:e0a::7", "turn-gra1.openrainbow.health")


def step(phase: str, subject: str, **facts: object) -> dict[str, Any]:
    """Make a step as a report has them."""
    return {
        "phase": phase,
        "subject": subject,
        "at_ms": 1.0,
        "took_ms": 2.0,
        "ok": True,
        "failure": None,
        "facts": facts,
    }


def planted() -> dict[str, Any]:
    """Return a report of a site whose own names and addresses stand in every place where one can be."""
    found: dict[str, Any] = json.loads(dumps(broken_site()))
    found["site"] |= {
        "name": "Clinic East",
        "labels": {"wing": "north-wing"},
        "hostname": "laptop-17.corp.clinic.example",
        "proxy": {"url": "http://proxy01:3128", "source": "HTTPS_PROXY"},
        "pac": [{"url": "http://intranet.clinic.example/proxy.pac", "source": "WPAD"}],
        "no_proxy": [".corp.clinic.example", "10.20.30.40"],
        "resolvers": ["10.20.30.40:53", "[fd12:3456::17]:53"],
        "addresses": ["192.168.7.1", "fe80::9%eth0", "2001:db8:77::5"],
        "mapped_addresses": ["203.0.113.9:50000"],
        "trust_stores": ["SSL_CERT_FILE=/home/jdoe/clinic.pem (1 roots)", r"C:\Users\jdoe\ca.pem"],
    }
    check = copy.deepcopy(found["checks"][0])
    check |= {
        "id": "https/openrainbow.health:443/tls/proxy",
        "target": {"host": "openrainbow.health", "port": 443, "transport": "tls"},
        "outcome": "fail",
        "reason": "answered 'Mr Unnamed of the clinic is not allowed to browse' by proxy01",
        "dead": ["10.20.30.40:3128", "[fd12:3456::17]:3128"],
        "steps": [
            step("resolve", "openrainbow.health", addresses="51.75.1.2 2a01:e0a::7 10.20.30.40", source="system"),
            step("connect", "51.75.1.2:443", local="192.168.7.1:4000"),
            step("tls", "openrainbow.health:443", issuer="CN=Clinic Inspection CA,O=Clinic Holding", public=False),
            step("http", "/", via="1.1 proxy01 (squid/5.7)", x_cache="MISS from cache02:3128", body="Hello Mr Unnamed"),
            step("stun", r"CORP\asmith", mapped="203.0.113.9:50000", words="ask Jane.Doe@clinic.example, jdoe"),
            step("connect", "51.83.83.140:443"),
        ],
    }
    found["checks"].append(check)
    found["findings"][0]["detail"] = "TLS by Clinic Inspection CA on LAPTOP-17; fd12:3456::17%eth0 and 10.20.30.40/24"
    return found


def hidden(level: Level) -> str:
    """Return the planted report with pseudonyms, as text."""
    found = planted()
    return json.dumps(redacted(found, inside_of(found, HOSTS, RANGES), level, KEY, ["jdoe", "", "me"]))


@pytest.mark.parametrize("level", Level)
def test_no_name_of_the_site_is_left(level: Level) -> None:
    """People, hosts, companies, whatever their case, in every place; what the service is called stays."""
    text = hidden(level)
    assert [name for name in NAMES if name.casefold() in text.casefold()] == []
    assert [name for name in PUBLIC if name not in text] == []
    assert loads(text, "redacted").verdict is loads(json.dumps(planted()), "planted").verdict


def test_addresses_are_left_or_not_as_asked() -> None:
    """IPv6 too, with brackets, ports, zones and lengths; public destinations stay in any case."""
    kept, gone = hidden(Level.NAMES), hidden(Level.ADDRESSES)
    assert [one for one in ADDRESSES if one not in kept] == []
    assert [one for one in ADDRESSES if one in gone] == []


ODD = {
    "url": "http%3A%2F%2Fintranet.clinic.example%2Fproxy.pac%3Fu%3Djdoe",
    "twice": "Clinic%2520East",
    "form": "name=Clinic+East&user=jdoe",
    "json": r'{"site": "Clinic\u0020East", "by": "\u006adoe", "at": "10\u002e20.30.40"}',
    "html": "by Mr&#46; X of Clinic&nbsp;East at 10&#46;20&#46;30&#46;40",
    "upper": "HTTP://INTRANET.CLINIC.EXAMPLE/ by CORP\\ASMITH on PROXY01",
    "reverse": "40.30.20.10.in-addr.arpa and "
    "7.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.5.4.3.2.1.d.f.ip6.arpa are pc-jdoe.clinic.example",
    "dashed": "PC-JDOE, jdoe_laptop, laptop-17-vpn, ip-10-20-30-40",
    "mapped": "::ffff:10.20.30.40 ::FFFF:0A14:1E28 FD12:3456:0:0:0:0:0:17 [fd12:3456::17%25eth0]:53 010.020.030.040",
    "stuck": "ip10.20.30.40, x10.20.30.40:3128",
    "san": "edge-fw.clinic.example wlc-floor2 10.20.30.40",
    "accent": "h\u00f4pital.clinic.example",
    "short": "answered 'Mr Unnamed says no'",
    "banner": "SSH-2.0-OpenSSH_9.2 wlc-floor2",
}  # fmt: skip
LEFT = (
    *(
        "clinic",
        "jdoe",
        "asmith",
        "proxy01",
        "laptop-17",
        "edge-proxy",
        "edge-fw",
        "wlc-floor2",
        "pbx-north",
        "unnamed",
    ),
    *("h\u00f4pital", "intranet"),
)
LEFT_OF_ADDRESSES = (
    *("10.20.30.40", "10-20-30-40", "30.20.10", "020.030", "0a14", "fd12", "1e28", "4.3.2.1.d.f"),
    *("192.168.7.1", "2001:db8", "203.0.113"),
)


@pytest.mark.parametrize("level", Level)
def test_nothing_gets_out_in_odd_clothes(level: Level) -> None:
    """Encoded, upper case, reversed, in certificates, PAC answers and keys, without a domain; in all files."""
    found = planted()
    found["site"]["destinations"] = [{
        "url": "https://openrainbow.health/", "host": "openrainbow.health", "port": 443, "source": "PAC",
        "choices": ["PROXY edge-proxy:8080", "SOCKS5 edge-proxy:1080", "DIRECT"], "used": "PROXY edge-proxy:8080",
        "passed_over": [],
    }]  # fmt: skip
    check = found["checks"][-1]
    check["steps"] += [step("tls", "pbx-north:5061", public=False, **ODD)]
    check["failure"] = {"phase": "tls", "cause": "tls-untrusted", "detail": "\n".join(ODD.values())}
    found["checks"].append({**check, "id": "sip/pbx-north:5060/udp/direct",
        "target": {"host": "pbx-north", "port": 5060, "transport": "udp"}})  # fmt: skip
    found["findings"][0] |= {"hides": {"edge-proxy:8080": ["tls"]}, "fix": "Ask who runs edge-proxy, or PBX-NORTH."}
    hidden_ = redacted(found, inside_of(found, HOSTS, RANGES), level, KEY, ["jdoe"])
    archive = zipfile.ZipFile(io.BytesIO(packed(hidden_, {}, level)))
    for name in archive.namelist():
        text = html.unescape(archive.read(name).decode()).casefold()
        told = json.dumps(json.loads(text), ensure_ascii=False) if name == "report.json" else text
        assert [word for word in LEFT if word in told] == [], name
        if level is Level.ADDRESSES:
            assert [one for one in LEFT_OF_ADDRESSES if one in told] == [], name
    assert all(public in json.dumps(hidden_) for public in PUBLIC)


def test_what_a_report_is_made_of_stays() -> None:
    """No host called like a word of ours, no user like a part of a public name, makes a report unreadable."""
    found = planted()
    found["site"]["no_proxy"] = ["turn", "border", "timeout"]
    text = json.dumps(redacted(found, inside_of(found, HOSTS, RANGES), Level.NAMES, KEY, ["gra1", "health"]))
    assert "turn-gra1.openrainbow.health" in text
    assert [row["id"] for row in json.loads(text)["rows"]] == [row["id"] for row in found["rows"]]
    assert '"cause": "timeout"' in text


def test_a_pseudonym_is_the_same_everywhere_and_for_the_same_key_only() -> None:
    """So that support can follow a host through the report, and through the next one."""
    text = json.loads(hidden(Level.ADDRESSES))
    resolver = KEY.address(ipaddress.ip_address("10.20.30.40"))
    assert text["site"]["resolvers"][0] == f"{resolver}:53"
    assert f"{resolver}/24" in text["findings"][0]["detail"]
    neighbour = KEY.address(ipaddress.ip_address("10.20.30.41"))
    assert resolver.split("-")[:2] == neighbour.split("-")[:2]
    assert resolver != neighbour
    assert Pseudonyms(key=b"x" * 32).name("host", "a") != KEY.name("host", "A") == KEY.name("host", "a")
    assert "k" * 8 not in repr(KEY)


def test_what_is_no_address_is_none() -> None:
    """Times, versions and fingerprints are left alone."""
    found = planted()
    words = "at 12:30:45, nginx 1.18.0, ::, 0.0.0.0, 127.0.0.1, AB:CD:EF:01:23:45:67:89:AB:CD, 1.2.3"
    found["summary"] = words
    text = redacted(found, inside_of(found, HOSTS), Level.ADDRESSES, KEY)["summary"]
    assert text == words
    assert as_address("300.1.1.1") is None
    assert str(as_address("[2001:db8::1%eth0]:53")) == "2001:db8::1"


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    """It never leaves the folder."""
    key = own_key(tmp_path)
    assert own_key(tmp_path) == key
    assert len(set(key)) > 1
    if os.name == "posix":
        assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_bundle_has_all_that_support_asks_for_and_no_setting() -> None:
    """That a variable is set is told, and not to what."""
    environ = {"RAINBOW_PROBE_TURN_PASSWORD": "sesame", "https_proxy": "http://me:sesame@proxy01", "LANG": "fr"}
    archive = zipfile.ZipFile(io.BytesIO(packed(planted(), environ)))
    texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert list(texts) == ["README.txt", "report.json", "report.html", "log.txt", "versions.txt", "environment.json"]
    assert json.loads(texts["environment.json"])["set"] == ["HTTPS_PROXY", "LANG", "RAINBOW_PROBE_TURN_PASSWORD"]
    assert "sesame" not in "".join(texts.values())
    assert "+1.0 ms 2.0 ms connect 51.83.83.140:443: ok" in texts["log.txt"]
    assert "rainbow-probe " in texts["versions.txt"]
    assert "Nothing was replaced" in texts["README.txt"]


def test_the_command_writes_it_and_overwrites_nothing(tmp_path: Path) -> None:
    """From a file, with the key in this user's data folder; every text in it is searched."""
    file, out = tmp_path / "run.json", tmp_path / "out.zip"
    file.write_text(json.dumps(planted()), "utf-8")
    env = {"RAINBOW_PROBE_DATA": str(tmp_path / "data"), "USER": "asmith"}
    ended = command("bundle", str(file), "--redact", "addresses", "--output", str(out), env=env)
    assert (ended.status, ended.out, ended.err) == (0, f"{out}\n", "")
    archive = zipfile.ZipFile(out)
    texts = "".join(archive.read(name).decode() for name in archive.namelist())
    own = [*(name for name in NAMES if name != "jdoe"), *ADDRESSES]
    assert [one for one in own if one.casefold() in texts.casefold()] == []
    again = command("bundle", str(file), "--output", str(out), env=env)
    assert (again.status, "is there already" in again.err) == (2, True)
    nowhere = command("bundle", str(file), "--output", str(tmp_path / "no" / "out.zip"), env=env)
    assert (nowhere.status, "No such file" in nowhere.err) == (2, True)
    assert command("bundle", "last", env=env).status == 2
    keyless = {**env, "RAINBOW_PROBE_DATA": str(file / "data")}
    told = command("bundle", str(file), "--redact", "names", "--output", str(tmp_path / "b.zip"), env=keyless)
    assert (told.status, "no place for the key" in told.err) == (2, True)
