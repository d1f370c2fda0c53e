"""Languages: nothing is left untranslated, sentences come apart and together again, evidence stays as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest

from docs.messages import messages
from rainbow_probe.language import ENGLISH, language, languages, preferred
from rainbow_probe.language.catalogue import catalogues, missing, read, written
from rainbow_probe.language.phrases import LONGEST, Phrases, message
from rainbow_probe.model import Cause, Outcome, Phase
from rainbow_probe.report import as_html, as_json, as_markdown, as_nagios
from rainbow_probe.report.wording import pasted
from tests import judge_samples as judge
from tests import report_samples as samples
from tests.commands import command

ALL = messages()
FRENCH = language("fr")


@pytest.mark.parametrize("code", catalogues())
def test_nothing_is_left_untranslated(code: str) -> None:
    """A new message, or one with other words: ``make messages`` puts it into each catalogue; then translate it."""
    assert missing(ALL, read(catalogues()[code])) == []


@pytest.mark.parametrize("code", catalogues())
def test_a_catalogue_is_in_step(code: str) -> None:
    """In the order of the sources, without messages that are no more: ``make messages``."""
    path = catalogues()[code]
    assert path.read_text("utf-8") == written(code, ALL, read(path))


@pytest.mark.parametrize("code", catalogues())
def test_translations_name_only_values_that_there_are(code: str) -> None:
    """One of our own words needs all of its values; a sentence may leave some out, such as a plural's verb."""
    for text, translation in read(catalogues()[code]).items():
        wanted, used = (
            {name for _, name, *_ in Formatter().parse(each) if name is not None} for each in (text, translation)
        )
        named = {name for name in wanted if not name.isdecimal()}
        assert named <= used <= wanted, text


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="msgfmt is missing: run tests/setup.sh")
@pytest.mark.parametrize("path", catalogues().values(), ids=lambda path: path.name)
def test_gettext_takes_the_catalogue(path: Path) -> None:
    """Its own tool checks the form."""
    subprocess.run(["msgfmt", "--check-format", "--check-domain", "-o", "/dev/null", str(path)], check=True)  # noqa: S607, S603 - a fixed command


WORDS = {
    "refused": "refusé",
    "the proxy refuses the tunnel": "le proxy refuse le tunnel",
    "The proxy refuses CONNECT to port {0}, though it opens other ports": "Le proxy refuse CONNECT vers le port {0}",
    "not at {0} of {1}: {2}": "pas à {0} sur {1} : {2}",
    "{0} rows": "{0} lignes",
    " To act: {0} ({1}).": " Doit agir : {0} ({1}).",
    "Yes, with limits: {0}.{1}": "Oui, avec des limites : {0}.{1}",
    "whoever runs the proxy": "qui gère le proxy",
    "{0} fails: {1}": "{0} échoue : {1}",
    "in the app, on the LAN": "dans l'application, sur le LAN",
    "not {0}": "pas {0}",
    "{0} {1} not accept it": "{0} ne l'accepte pas",
}
SAID = {
    "refused": "refusé",
    "Refused.": "Refusé.",
    "the proxy refuses the tunnel (a.example, b.example)": "le proxy refuse le tunnel (a.example, b.example)",
    "The proxy refuses CONNECT to port 80, though it opens other ports": "Le proxy refuse CONNECT vers le port 80",
    "not at 1 of 2: refused (a)": "pas à 1 sur 2 : refusé (a)",
    "UDP/3478 fails: refused (a). TLS/443 fails: the proxy refuses the tunnel.": (
        "UDP/3478 échoue : refusé (a). TLS/443 échoue : le proxy refuse le tunnel."
    ),
    "Yes, with limits: x. To act: whoever runs the proxy (y).": (
        "Oui, avec des limites : x. Doit agir : qui gère le proxy (y)."
    ),
    "Yes, with limits: x.": "Oui, avec des limites : x.",
    "refused, in the app, on the LAN, x": "refusé, dans l'application, sur le LAN, x",
    "not by name": "pas by name",
    "Not all of it. Refused.": "Not all of it. Refusé.",
    "12 rows": "12 lignes",
    "some rows": "some rows",
    "a.example does not accept it": "a.example ne l'accepte pas",
    "": "",
    " ": " ",
    "words of a peer {0} %s": "words of a peer {0} %s",
}


@pytest.mark.parametrize(("english", "other"), SAID.items())
def test_sentences_are_said(english: str, other: str) -> None:
    """Values stay as they are, or are said in their turn; what is not known is left alone."""
    assert Phrases(WORDS).translated(english) == other


def test_what_is_too_long_is_evidence() -> None:
    """It is not looked through; and many seams cost no more than their number."""
    long = "refused; " * LONGEST
    assert Phrases(WORDS).translated(long) == long
    many = "; ".join(["refused"] * 400)
    assert Phrases(WORDS).translated(many) == many.replace("refused", "refusé")


@pytest.mark.parametrize("text", ["{0}{1} x", "{0} and {0}", "no values"])
def test_values_that_cannot_be_told_apart_make_no_message(text: str) -> None:
    """Nothing would say where one ends."""
    assert message(text, "") is None


HEARD = (
    (
        "No: does not work: Resources, REST API and app updates, Messages and presence (5 more client kinds "
        "cannot work "
        "fully either). To act: whoever runs DNS (DNS gives no answer for openrainbow.health, "
        "web.openrainbow.health and "
        "11 more)."
    ),
    "does not work: Resources and REST API, Messages and presence, Notifications on iOS and 1 more",
    (
        "Not for all: Desktop and web clients, web SDK, Android and iOS clients, Teams and Google connectors "
        "and 2 more "
        "cannot work fully from here. To act: the provider of the service (The certificate of openrainbow.health, "
        "web.openrainbow.health and 3 more has expired)."
    ),
    (
        "Not for all: WebRTC gateway cannot work fully from here. To act: whoever runs the firewall "
        "(UDP/30000-30099 from "
        "192.0.2.1 to this machine is closed: no answer: 30050)."
    ),
    (
        "works only by every name except those of mail. Every name fails: the name look-up gets no answer "
        "(smtp.openrainbow.health, "
        "mail.openrainbow.health); the name look-up gets no answer (web.openrainbow.health and 1 more). The cost: who "
        "takes in mail "
        "from Rainbow cannot look up its senders; clients do not notice."
    ),
    "DNS says that openrainbow.health, web.openrainbow.health and 8 more do not exist",
    (
        "UDP/49152-65535: works (64 of 64 sampled ports open, both ways, through 192.0.2.1 in place of the conference "
        "servers: less than 4.6 % of the range is closed (95 %), 64 of 64 sampled ports open, both ways, "
        "through 192.0.2.2 "
        "in place of the conference servers: less than 4.6 % of the range is closed (95 %))"
    ),
    "PBX calls in the app, away from the WebRTC gateway (recommended)",
    "16 of 16 packets back through the relay in 20 ms; DTLS in 29 ms",
    "TCP/80 through the proxy: works (to HTTP, as TURN servers do)",
    "needs the address of the PBX: --pbx HOST",
    (
        "needs the other end: 'rainbow-probe responder' on the network of the IP phones, given here with "
        "--peer HOST or "
        "--peer phones=HOST"
    ),
    "needed: 1300 kbit/s in (1 x 1300 kbit/s (active talker and 5 thumbnails)); left out, as it takes time (--quick)",
    "The time server 192.0.2.9 is 5.0 hours later than this machine",
    "TLS is decrypted on the way by Example Corp, and this machine does not trust it",
    "proxy http://192.0.2.3:3128 (from HTTPS_PROXY in the environment)",
    "TLS/443 fails: the proxy wants credentials (407) (openrainbow.health); the proxy wants credentials (407) (a, b).",
    "the name does not exist, says the resolver (turn.example), the name does not exist, says the resolver (b.example)",
    "turn-sbg1.openrainbow.health, turn-gra1.openrainbow.health do not accept the TURN credentials",
    "The proxy wants credentials, and there are none (it offers Basic)",
    "Outbound UDP/49152-65535 is blocked (no answer), though UDP/3478 works",
    "in 38 ms; in 123 ms",
    (
        "works only by TLS/443. UDP/3478 fails: STUN gets no answer (a, b). Measured there: 5 calls for 1 s, 2 % (1 to "
        "3.5) of 250 packets lost (up to 3 in a row), 0.4 ms one way, jitter 0.3 ms, 3 out of order, "
        "MOS 4.4 (G.711) and 4.4 (Opus)."
    ),
    "1 call for 5 s, 0 % (0 to 1.5) of 250 packets lost, 0.4 ms one way, jitter 0.3 ms, MOS 4.4",
    "works. (needed: 87.5 kbit/s each way (1 x 87.5 kbit/s (G.711)); at least 1650 kbit/s pass each way, room for 18)",
    "at least 1650 kbit/s pass, each way",
    "2 of 29 rows that were tested: inconclusive (mobile/fcm, room/fcm)",
    (
        "the range could not be tried, as no allocation is to be had: the time of the run was over "
        "(this machine could listen for 1.0 of 3 s only)"
    ),
)
"""Sentences as they stood in reports of the lab's sites and of the demo's faults."""
LEFT = re.compile(
    r"\b(and|are|as|at|be|by|cannot|do|does|each|for|from|has|here|in|is|it|its|more|no|not|of|only|other|out|that|the|"
    r"there|this|through|to|was|way|which|who|whoever|with|work|works)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("sentence", HEARD)
def test_no_sentence_is_half_translated(sentence: str) -> None:
    """Lists within sentences, sentences within brackets, and two of a kind: no English word is left."""
    assert LEFT.findall(FRENCH.said(sentence)) == [], FRENCH.said(sentence)


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_CA"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "fr_BE.UTF-8"}, "fr"),
        ({"LANG": "French_France.1252"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "frisian"}, "en"),
    ],
)
def test_the_users_language_is_taken(environ: Mapping[str, str], code: str) -> None:
    """As other programs find it; English where there is none of ours."""
    assert preferred(environ) == code


def test_a_report_in_french() -> None:
    """The page says so; verdicts, titles, fixes and reasons are French, and bytes of a peer are not touched."""
    report = samples.broken_site()
    text = as_html.dumps(report, FRENCH)
    assert '<html lang="fr">' in text
    for part in ("ÉCHEC", "Qui doit agir", "qui gère le pare-feu", "Lignes du guide", "non testé", "Tout déplier"):
        assert part in text
    for part in ("Who acts", "Rows of the guide", "not tested<", "Expand all", "inconclusive</"):
        assert part not in text
    assert "stun: timeout: no answer to 7 requests in 7.9 s" in text
    assert as_markdown.dumps(report, FRENCH).startswith("# ÉCHEC: ")
    assert "(qui gère le pare-feu)" in as_nagios.dumps(report, FRENCH)
    assert ENGLISH.said("refused") == "refused"


def test_a_rule_in_words_is_said() -> None:
    """It goes into a ticket as it is; its columns stay, and what a program reads is not touched."""
    case = judge.case(judge.Fault(match=judge.udp, outcome=Outcome.FAIL, phase=Phase.STUN, cause=Cause.TIMEOUT))
    found = next(one for one in case.judged().findings if one.id == "udp-blocked")
    (rule,) = found.rules
    assert "allow outbound UDP" in rule.text
    assert "  to        turn-" in rule.text
    said = pasted(rule, FRENCH.said)
    assert "permettre UDP sortant" in said
    assert "  vers      turn-" in said
    assert re.findall(r"\b(?:allow|outbound|from|to|this|any|for|servers)\b", said) == []
    assert pasted(rule, ENGLISH.said) == rule.text
    script = replace(rule, format="squid")
    assert pasted(script, FRENCH.said) == rule.text


def test_the_command_line_chooses(tmp_path: Path) -> None:
    """By option, or by the locale."""
    stored = tmp_path / "run.json"
    stored.write_text(as_json.dumps(samples.broken_site()))
    assert "Qui doit agir" in command("report", str(stored), "--lang", "fr").out
    assert "Constats (4)" in command("report", str(stored), env={"LANG": "fr_FR.UTF-8"}).out
    assert "Who acts" in command("report", str(stored), "--lang", "en", env={"LANG": "fr_FR.UTF-8"}).out
    unknown = command("report", str(stored), "--lang", "xx")
    assert (unknown.status, unknown.err) == (
        2,
        f"rainbow-probe: --lang xx: no such language; known are {', '.join(languages())}\n",
    )
    assert f"--lang {'|'.join(languages())}" in command("report", "--help").out
