"""The parts of a mail, the settings, and servers that break off: without a real one."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any

import pytest

from rainbow_probe.demo.loopback import Handler, loopback
from rainbow_probe.history.compare import compare
from rainbow_probe.history.keeping import Occasion
from rainbow_probe.language import language
from rainbow_probe.mail import message
from rainbow_probe.mail.as_html import html_of
from rainbow_probe.mail.as_text import WIDTH, text_of
from rainbow_probe.mail.content import content_of
from rainbow_probe.mail.message import message_of
from rainbow_probe.mail.sending import Delivery, Unreachable, connected, deliver, is_final
from rainbow_probe.mail.settings import MailSettings, Security, When, mail_settings
from rainbow_probe.model import Report
from rainbow_probe.options import UsageError
from rainbow_probe.sitefile import Reference
from tests import report_samples as samples

SETTINGS = MailSettings(
    host="127.0.0.1", port=25, security=Security.NONE, sender="p@x.example", to=("a@x.example",), on=When.ALWAYS
)
SERVER = {"mail.server": "smtp.x.example"}
KEPT = Reference(where="site.toml: mail.password", env="KEPT")


def occasion(report: Report | None = None, **more: Any) -> Occasion:  # noqa: ANN401 - fields of an Occasion
    """Return a run that changed much."""
    new, old = report or samples.broken_site(), samples.open_site()
    return Occasion(site="Clinic East", report=new, number=13, before=old, comparison=compare(old, new), **more)


def test_the_subject_tells_verdict_site_and_change() -> None:
    """What matters most comes first; without an earlier run nothing is said of changes."""
    subject = content_of(occasion()).subject
    assert subject.startswith("FAIL: Rainbow at Clinic East: 16 rows got worse (")
    assert len(subject) <= 120
    assert content_of(Occasion(site="X", report=samples.open_site())).subject == "pass: Rainbow at X"
    same = Occasion(site="X", report=samples.open_site(), before=samples.open_site())
    assert content_of(same).subject == "pass: Rainbow at X: nothing changed"


def test_the_plain_part_reads_well_alone() -> None:
    """Verdict, what to do with the rule to paste, what changed; no line is longer than a mail's but for rules."""
    text = text_of(content_of(occasion(flaky={"desktop/p2p-internet": 3}, unconfirmed=("room/fcm",))))
    assert text.startswith("FAIL: Sign-in and messages work; calls work on desktops only, and poorly:\n")
    for wanted in ("Clinic East", "whoever runs the firewall", "ip daddr { 51.83.83.128/27", "Got worse (16)",
                   "changed 3 times", "so not counted: room/fcm", "rainbow-probe show 13"):  # fmt: skip
        assert wanted in " ".join(text.split())
    rules = {
        line for finding in samples.broken_site().findings for rule in finding.rules for line in rule.text.split("\n")
    }
    assert [line for line in text.splitlines() if len(line) > WIDTH + 3 and line.strip() not in rules] == []


def test_a_mail_in_french() -> None:
    """Subject, labels, verdicts, changes and the attached page; what is one of ours is not left in English."""
    french = replace(SETTINGS, language=language("fr"))
    read = message_from_bytes(message_of(occasion(unconfirmed=("room/fcm",)), french).as_bytes(), policy=policy.default)
    assert str(read["Subject"]).startswith("ÉCHEC : Rainbow sur le site Clinic East : 16 lignes se sont dégradées (")
    assert read["Content-Language"] == "fr"
    text, page = (read.get_body((kind,)) for kind in ("plain", "html"))
    assert text
    assert page
    assert '<html lang="fr">' in page.get_content()
    for part in (text, page):
        told = html.unescape(part.get_content())
        for wanted in ("ÉCHEC", "Ce qu'il faut faire", "Ce qui a changé", "Qui doit agir", "qui gère le pare-feu",
                       "Dégradé (16)", "À coller (nftables)", "En pièces jointes", "Testée deux fois"):  # fmt: skip
            assert wanted in told, wanted
        for left in ("Who acts", "What changed", "Got worse", "Attached", "rows got", "since 2", "Machine:"):
            assert left not in told, left
    attached = next(read.iter_attachments()).get_content()
    assert '<html lang="fr">' in attached


class Seen(HTMLParser):
    """Notes the elements and attributes of a page."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("make", [samples.broken_site, samples.hostile, samples.crowded, samples.nothing_known])
def test_the_html_part_is_small_and_loads_nothing(make: Any) -> None:  # noqa: ANN401 - a function
    """No script, picture, link or style sheet, whatever the network said; mail programs keep inline styles."""
    page = html_of(content_of(occasion(make())))
    seen = Seen()
    seen.feed(page)
    tags = {"html", "head", "meta", "title", "body", "div", "b", "span", "h2", "table", "tr", "td"}
    assert seen.tags <= tags
    assert seen.attributes <= {"style", "lang", "charset", "role"}
    assert len(page) < 100_000  # where the largest services cut a mail off
    assert "url(" not in page


@pytest.mark.parametrize("make", [samples.broken_site, samples.hostile])
def test_a_mail_survives_its_way(make: Any) -> None:  # noqa: ANN401 - a function
    """No text of a report opens a header or a part; what is read is what was written."""
    made = message_of(replace(occasion(make()), site="Clinic\r\nBcc: all@x.example"), SETTINGS)
    read = message_from_bytes(made.as_bytes(), policy=policy.default)
    assert set(read.keys()) == {"Subject", "From", "To", "Date", "Message-ID", "References", "Auto-Submitted",
                                "User-Agent", "MIME-Version", "Content-Type", "Content-Language"}  # fmt: skip
    assert "Clinic\\x0d\\x0aBcc" in str(read["Subject"])
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/html", "application/json",
    ]  # fmt: skip
    assert all(len(line) <= 998 for line in made.as_bytes().splitlines())  # RFC 5322, section 2.1.1


def test_a_large_report_is_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers refuse large mails."""
    monkeypatch.setattr(message, "LARGE", 1000)
    names = [part.get_filename() for part in message_of(occasion(), SETTINGS).iter_attachments()]
    assert names == ["report.html.gz", "report.json.gz"]


@pytest.mark.parametrize(
    ("to", "site", "found"),
    [
        ([], {}, None),
        ([], SERVER, None),
        (["a@x"], SERVER, ("smtp.x.example", 587, Security.STARTTLS, ("a@x",), When.ALWAYS)),
        (["a@x, b@x", "a@x"], SERVER, ("smtp.x.example", 587, Security.STARTTLS, ("a@x", "b@x"), When.ALWAYS)),
        ([], {**SERVER, "mail.to": ["c@x"], "mail.on": "failure", "mail.security": "tls"},
         ("smtp.x.example", 465, Security.TLS, ("c@x",), When.FAILURE)),
        (["a@x"], {"mail.server": "[::1]:2525", "mail.security": "none", "mail.to": ["c@x"]},
         ("::1", 2525, Security.NONE, ("a@x",), When.ALWAYS)),
    ],
)  # fmt: skip
def test_settings(to: list[str], site: dict[str, Any], found: tuple[object, ...] | None) -> None:
    """The command line stands above the file; the port follows from how it is secured."""
    got = mail_settings(to, None, site, {})
    assert (got and (got.host, got.port, got.security, got.to, got.on)) == found
    assert got is None or re.fullmatch(r"rainbow-probe@[A-Za-z0-9.-]+", got.sender)


@pytest.mark.parametrize(
    ("to", "on", "site", "said"),
    [
        (["a@x"], None, {}, "--mail-to: by which server? Give a site file that has a table [mail]"),
        (["nobody"], None, SERVER, "--mail-to: 'nobody' is no mail address; wanted is NAME@DOMAIN"),
        (["a@x\r\nBcc: b@x"], None, SERVER, "is no mail address"),
        ([f"{n}@x" for n in range(51)], None, SERVER, "--mail-to: 51 recipients are too many; allowed are 50"),
        (["a@x"], "often", SERVER, "--mail-on: 'often' is unknown; allowed are always, change, failure"),
        (["a@x"], None, {**SERVER, "mail.on": "x"}, "[mail] on: 'x' is unknown"),
        (["a@x"], None, {**SERVER, "mail.security": "ssl"}, "[mail] security: 'ssl' is unknown; allowed are starttls"),
        (["a@x"], None, {"mail.server": "smtp://x"}, "[mail] server: 'smtp://x' is not HOST or HOST:PORT"),
        (["a@x"], None, {"mail.server": "x:99999"}, "[mail] server: 'x:99999' is not HOST or HOST:PORT"),
        (["a@x"], None, {**SERVER, "mail.from": "me"}, "[mail] from: 'me' is no mail address"),
        (
            ["a@x"],
            None,
            {**SERVER, "mail.user": "u"},
            "[mail] user without a password: set RAINBOW_PROBE_MAIL_PASSWORD",
        ),
        (
            ["a@x"],
            None,
            {**SERVER, "mail.user": "u", "mail.password": KEPT},
            "without a password (variable KEPT has none)",
        ),
        (["a@x"], None, {**SERVER, "mail.password": KEPT}, "[mail] password without user: give both, or neither"),
    ],
)
def test_settings_that_cannot_be(to: list[str], on: str | None, site: dict[str, Any], said: str) -> None:
    """With what is allowed."""
    with pytest.raises(UsageError, match=re.escape(said)):
        mail_settings(to, on, site, {})


def test_a_password_is_never_sent_in_the_clear_nor_shown() -> None:
    """But to this machine itself."""
    kept = {"KEPT": "Swordfish"}
    site = {**SERVER, "mail.user": "u", "mail.password": KEPT, "mail.security": "none"}
    with pytest.raises(UsageError, match="would send the password in the clear"):
        mail_settings(["a@x"], None, site, kept)
    found = mail_settings(["a@x"], None, {**site, "mail.server": "localhost"}, kept)
    assert found
    assert (found.password, "Swordfish" in repr(found)) == ("Swordfish", False)


@pytest.mark.parametrize(
    ("code", "words", "final"),
    [
        (550, "5.1.1 no such user", True),
        (550, "no such user", True),
        (550, "5.7.1 relaying denied", False),
        (552, "5.2.2 mailbox full", False),
        (451, "4.7.1 greylisted", False),
        (450, "later", False),
    ],
)
def test_which_refusals_are_for_good(code: int, words: str, final: bool) -> None:
    """Only those of the address itself: a policy, a quota and a log-in may be put right."""
    assert is_final(code, words) is final


def breaking_off(at: bytes, answers: dict[bytes, bytes]) -> Handler:
    """Serve SMTP that closes the connection, without a word, at the line that begins with *at*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n" if at else b"554 go away\r\n")
        while (line := await reader.readline()) and not (at and line.startswith(at)):
            writer.write(next((answer for start, answer in answers.items() if line.startswith(start)), b""))

    return serve


ANSWERS = {
    b"EHLO": b"250 x\r\n",
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"DATA": b"354 go\r\n",
    b"QUIT": b"221 x\r\n",
    b"RSET": b"250 ok\r\n",
}


@pytest.mark.parametrize("at", [b"MAIL", b"RCPT", b"DATA", b".\r\n"])
async def test_a_server_that_breaks_off_has_not_taken_the_mail(at: bytes) -> None:
    """Wherever it does, after the last byte too: the mail waits."""
    async with loopback() as place:
        port = await place.tcp(breaking_off(at, ANSWERS))
        async with connected(replace(SETTINGS, port=port)) as client:
            found = await deliver(client, "p@x.example", ("a@x.example", "b@x.example"), b"Subject: x\r\n\r\ny\r\n")
    assert set(found.later) == {"a@x.example", "b@x.example"}
    assert (found.taken, found.refused) == ((), {})


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({b"MAIL": b"550 5.7.1 who are you\r\n"}, Delivery(later={"a@x.example": "550 5.7.1 who are you"})),
        ({b"RCPT": b"550 5.1.1 nobody\r\n"}, Delivery(refused={"a@x.example": "550 5.1.1 nobody"})),
        ({b".\r\n": b"554 5.6.0 I do not like it\r\n"}, Delivery(later={"a@x.example": "554 5.6.0 I do not like it"})),
        ({b"RCPT": b"550 5.1.1 \x1b[31mred\r\n"}, Delivery(refused={"a@x.example": "550 5.1.1 \\x1b[31mred"})),
    ],
)
async def test_a_server_that_refuses(answers: dict[bytes, bytes], found: Delivery) -> None:
    """In its own words, which are fit to show."""
    said = {**answers, **{start: answer for start, answer in ANSWERS.items() if start not in answers}}
    async with loopback() as place:
        port = await place.tcp(breaking_off(b"nothing", said))
        async with connected(replace(SETTINGS, port=port)) as client:
            assert await deliver(client, "p@x.example", ("a@x.example",), b"Subject: x\r\n\r\ny\r\n") == found


async def test_a_server_that_greets_with_a_refusal() -> None:
    """It is told, with its words."""
    async with loopback() as place:
        port = await place.tcp(breaking_off(b"", {}))
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port}: 554 go away"):
            async with connected(replace(SETTINGS, port=port)):
                raise AssertionError
