"""Mails as a real server takes, refuses and puts them off: nobody misses one, and nobody has one twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.arguments import parser
from rainbow_probe.history.confirm import SecondTry
from rainbow_probe.history.store import FILE, open_store
from rainbow_probe.mail.spool import LEASE, Spool
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.options import Options
from rainbow_probe.session import UNTOLD, perform, read_guide
from tests import report_samples as samples
from tests.commands import rainbow_probe
from tests.mail_server import EXIM, PASSWORD, MailServer, free_ports, mail_server

pytestmark = pytest.mark.skipif(not EXIM.exists(), reason="exim4 is not installed")
GUIDE = read_guide(Options().guide, ())
A, B = "a@clinic.example", "b@clinic.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """Run one server for all; each test looks at its own site's mails."""
    with mail_server(tmp_path_factory.mktemp("exim")) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep runs and mails apart, and the password in the environment."""
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("RAINBOW_PROBE_STORE", "")
    monkeypatch.setenv("RAINBOW_PROBE_MAIL_PASSWORD", PASSWORD)


def site_file(tmp_path: Path, server: MailServer, *, port: int | None = None, more: str = "", to: str = A) -> str:
    """Write the file of a site that mails by *server*; its name is the test's own folder."""
    file = tmp_path / "site.toml"
    recipients = ", ".join(f'"{one}"' for one in to.split(","))
    file.write_text(
        f'name = "{tmp_path.name}"\n[mail]\nserver = "localhost:{port or server.starttls}"\nuser = "probe"\n'
        f'from = "probe@clinic.example"\nto = [{recipients}]\nca_files = ["{server.ca_file}"]\n{more}',
        "utf-8",
    )
    return str(file)


def ended(site: str, report: Report | None = None, *words: str, second: Report | None = None) -> int:
    """Let a run end with *report* (and, where rows are tried again, with the *second* one); return its status."""
    found = report or samples.broken_site()
    arguments = parser().parse_args(["run", "--quiet", "--site", site, *words])
    return perform(arguments, GUIDE, lambda _: found, lambda _, __, ___: once_more(found, second or found))


def once_more(first: Report, second: Report) -> SecondTry:
    """Give the *second* report as what came of another try of some rows of the *first*."""

    def joined(instead: Collection[str]) -> Report:
        again = {row.id: row for row in second.rows}
        return failing(*(r.id for r in first.rows if (again if r.id in instead else {}).get(r.id, r).verdict == "fail"))

    return SecondTry(report=second, joined=joined)


def got(server: MailServer, tmp_path: Path) -> list[tuple[tuple[str, ...], str]]:
    """Return recipients and subject of the mails about the test's site, oldest first."""
    mails = [(one.to, str(one.mail["Subject"])) for one in server.received()]
    return [(to, subject) for to, subject in mails if f"Rainbow at {tmp_path.name}" in subject]


def waiting(tmp_path: Path) -> int:
    """Count the mails that wait."""
    with open_store(tmp_path / "data") as store:
        return Spool(store).waiting(tmp_path.name)


def test_a_run_as_the_user_types_it_is_mailed(server: MailServer, tmp_path: Path) -> None:
    """Over STARTTLS with a log-in; the mail has text, HTML and both reports, and the password is kept nowhere."""
    site = site_file(tmp_path, server)
    env = {
        "RAINBOW_PROBE_DATA": str(tmp_path / "data"),
        "RAINBOW_PROBE_STORE": "",
        "RAINBOW_PROBE_MAIL_PASSWORD": PASSWORD,
    }
    words = ("--only", "os/dynamic-ports", "--proxy", "none", "--mail-to", f"{A},{B}", "--json", "-")
    run = rainbow_probe("run", "--site", site, *words, env=env)
    assert run.status in {0, 1, 3}
    (one,) = [one for one in server.received() if tmp_path.name in str(one.mail["Subject"])]
    assert one.to == (A, B)
    kinds = [part.get_content_type() for part in one.mail.walk()]
    assert kinds[:4] == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
    page, data = one.mail.iter_attachments()
    assert page.get_filename() == "report.html"
    assert data.get_filename() == "report.json"
    assert data.get_content().decode() == run.out.removesuffix("\n")
    assert PASSWORD.encode() not in (tmp_path / "data" / FILE).read_bytes()
    assert PASSWORD not in run.out + run.err


def test_settings_are_tried_and_what_waits_is_sent(server: MailServer, tmp_path: Path) -> None:
    """By the command, in French; a run that met no server leaves a mail, which goes out without another run."""
    env = {"RAINBOW_PROBE_DATA": str(tmp_path / "data"), "RAINBOW_PROBE_MAIL_PASSWORD": PASSWORD}
    site = site_file(tmp_path, server)
    tried = rainbow_probe("mail", "test", "--site", site, "--lang", "fr", env=env)
    assert (tried.status, tried.err) == (0, "")
    assert f"a accepté le message de test pour {A}" in tried.out
    (one,) = [one for one in server.received() if f"site {tmp_path.name}" in str(one.mail["Subject"])]
    assert (one.to, str(one.mail["Subject"])) == ((A,), f"Test : Rainbow sur le site {tmp_path.name}")
    assert "les messages de Rainbow Probe arrivent" in " ".join(one.mail.get_content().split())
    ended(site_file(tmp_path, server, port=free_ports(1)[0]))
    refused = rainbow_probe("mail", "send", "--site", site, env=env)
    assert (refused.status, waiting(tmp_path)) == (UNTOLD, 1)
    site = site_file(tmp_path, server)
    sent = rainbow_probe("mail", "send", "--site", site, env=env)
    assert (sent.status, sent.out, waiting(tmp_path)) == (0, "No mail waits any more.\n", 0)
    assert len(got(server, tmp_path)) == 1
    lost = rainbow_probe("mail", "test", "--site", site, "--mail-to", "nobody@clinic.example", env=env)
    assert lost.status == UNTOLD
    assert "there is no such user" in lost.err
    (tmp_path / "none.toml").write_text("", "utf-8")
    assert "to whom?" in rainbow_probe("mail", "test", "--site", str(tmp_path / "none.toml"), env=env).err


def test_tls_from_the_first_byte(server: MailServer, tmp_path: Path) -> None:
    """The other usual way, RFC 8314; the status is the run's own."""
    assert ended(site_file(tmp_path, server, port=server.tls, more='security = "tls"\n')) == 1
    assert got(server, tmp_path) == [((A,), f"FAIL: Rainbow at {tmp_path.name}")]
    assert waiting(tmp_path) == 0


def test_a_recipient_that_does_not_exist_costs_the_others_nothing(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told, and not tried again."""
    site = site_file(tmp_path, server, to=f"{A},nobody@clinic.example,{B}")
    assert ended(site) == UNTOLD
    assert "the mail to nobody@clinic.example is refused for good: 550 5.1.1 there is no such user" in (
        capsys.readouterr().err
    )
    assert [to for to, _ in got(server, tmp_path)] == [(A, B)]
    assert waiting(tmp_path) == 0
    assert ended(site_file(tmp_path, server, to="nobody@clinic.example")) == UNTOLD
    assert waiting(tmp_path) == 0


def test_who_is_put_off_has_the_mail_with_the_next_run(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Greylisting: the others have it at once and only once."""
    site, late = site_file(tmp_path, server, to=f"{A},greylisted@clinic.example"), ("greylisted@clinic.example",)
    assert ended(site) == UNTOLD
    assert f"the mail to {late[0]} waits for the next run: 451 4.7.1 greylisted" in capsys.readouterr().err
    assert ended(site, None, "--mail-on", "change") == UNTOLD
    assert [to for to, _ in got(server, tmp_path)] == [(A,)]
    server.end_greylisting()
    assert ended(site, None, "--mail-on", "change") == 1
    assert [to for to, _ in got(server, tmp_path)] == [(A,), late]
    assert waiting(tmp_path) == 0


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("password", "535 Incorrect authentication data"),
        ("certificate", "its certificate is not trusted"),
        ("plain", "STARTTLS"),
        ("down", "Connect"),
    ],
)
def test_what_could_not_be_sent_is_sent_later(
    server: MailServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    said: str,
) -> None:
    """A wrong password, an unknown issuer, a server without TLS, no server: the mail waits, nothing leaks."""
    port = {"plain": server.plain, "down": free_ports(1)[0]}.get(way)
    site = site_file(tmp_path, server, port=port)
    if way == "certificate":
        other = Path(site)
        other.write_text(other.read_text("utf-8").replace("ca_files", "#ca_files"), "utf-8")
    if way == "password":
        monkeypatch.setenv("RAINBOW_PROBE_MAIL_PASSWORD", "wrong-4711")
    before = len(server.received())
    assert ended(site) == UNTOLD
    told = capsys.readouterr().err
    assert "1 mails wait for the next run: localhost:" in told
    assert said in told
    assert "wrong-4711" not in told
    assert (len(server.received()), waiting(tmp_path)) == (before, 1)
    monkeypatch.setenv("RAINBOW_PROBE_MAIL_PASSWORD", PASSWORD)
    assert ended(site_file(tmp_path, server), samples.open_site()) == 0
    first, second = (subject for _, subject in got(server, tmp_path))
    assert first == f"FAIL: Rainbow at {tmp_path.name}"
    assert second.startswith(f"pass: Rainbow at {tmp_path.name}: ")
    assert "healed" in second
    assert waiting(tmp_path) == 0


def failing(*rows: str) -> Report:
    """Return a site where all is well but for these rows."""
    good = samples.open_site()
    made = tuple(replace(row, verdict=RowVerdict.FAIL) if row.id in rows else row for row in good.rows)
    return replace(good, rows=made, verdict=RowVerdict.FAIL if rows else RowVerdict.PASS)


def test_a_mail_on_change_only(server: MailServer, tmp_path: Path) -> None:
    """The first run, what breaks, and what heals; not what stays as it is."""
    site = site_file(tmp_path, server, more='on = "change"\n')
    for report in (failing(), failing(), failing("desktop/wss"), failing("desktop/wss"), failing()):
        ended(site, report)
    said = [subject.partition(tmp_path.name)[2] for _, subject in got(server, tmp_path)]
    assert said == ["", ": 1 row got worse (desktop/wss)", ": 1 row healed (desktop/wss)"]


def test_a_change_that_the_second_try_does_not_see_alarms_nobody(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not by mail, status, plugin's line or file: it stands as it did, and the next run has no change to tell of."""
    site, file = site_file(tmp_path, server, more='on = "change"\n'), tmp_path / "report.json"
    ended(site, failing())
    assert ended(site, failing("desktop/wss"), "--json", str(file), second=failing()) == 0
    assert json.loads(file.read_text("utf-8"))["verdict"] == "pass"
    assert ended(site, failing("desktop/wss"), "--format", "nagios", second=failing()) == 0
    assert capsys.readouterr().out.startswith("RAINBOW OK: ")
    ended(site, failing())
    assert len(got(server, tmp_path)) == 1
    assert ended(site, failing("desktop/wss", "room/fcm"), second=failing("room/fcm")) == 1
    (*_, (_, subject)) = got(server, tmp_path)
    assert subject.endswith(": 1 row got worse (room/fcm)")
    text = server.received()[-1].mail.get_body(("plain",))
    assert text
    assert "Tried twice and not alike, so not counted: desktop/wss" in " ".join(text.get_content().split())
    stopped = replace(failing(), interrupted=True)
    assert ended(site, failing(), "--json", str(file), second=stopped) == 130
    (row,) = (row for row in json.loads(file.read_text("utf-8"))["rows"] if row["id"] == "room/fcm")
    assert (row["verdict"], "the first time it worked" in row["reason"]) == ("inconclusive", True), row
    assert len(got(server, tmp_path)) == 2


def test_a_mail_on_failure_only(server: MailServer, tmp_path: Path) -> None:
    """Each time it fails; a run that was stopped half way is nobody's news."""
    site = site_file(tmp_path, server)
    for report in (failing(), failing("desktop/wss"), failing("desktop/wss"), failing()):
        ended(site, report, "--mail-on", "failure", "--no-store")
    assert ended(site, replace(failing("desktop/wss"), interrupted=True), "--mail-on", "failure") == 130
    assert [subject.partition(tmp_path.name)[2] for _, subject in got(server, tmp_path)] == ["", ""]


def test_where_nothing_can_be_kept_the_mail_goes_out_all_the_same(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken file of runs is told; a server that is down, too, then loses the mail and says so."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(b"no database" * 100)
    assert ended(site_file(tmp_path, server)) == 1
    assert "this run is not kept" in capsys.readouterr().err
    assert len(got(server, tmp_path)) == 1
    assert ended(site_file(tmp_path, server, port=free_ports(1)[0])) == UNTOLD
    assert f"the mail to {A} is refused for good: localhost:" in capsys.readouterr().err


def test_of_two_at_once_one_sends_and_a_dead_one_is_followed(tmp_path: Path) -> None:
    """A mail is one process's own for a while; if that one dies, another sends it."""
    (tmp_path / "data").mkdir()
    with open_store(tmp_path / "data") as one, open_store(tmp_path / "data") as other:
        Spool(one).put("site", "s@x", [A, B], b"mail")
        claimed = Spool(one).claim("site", 0)
        assert claimed
        assert (claimed.to, claimed.body) == ((A, B), b"mail")
        assert Spool(other).claim("site", 0) is None
        with closing(sqlite3.connect(tmp_path / "data" / FILE)) as clock, clock:
            clock.execute("UPDATE mails SET claimed_until = claimed_until - ?", (LEASE,))
        assert Spool(other).claim("site", 0) == claimed
        assert Spool(other).claim("site", claimed.id) is None


def test_what_waits_too_long_is_given_up_and_told(
    server: MailServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After thirty days a mail is no news."""
    site = site_file(tmp_path, server, port=free_ports(1)[0])
    assert ended(site) == UNTOLD
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as clock, clock:
        clock.execute("UPDATE mails SET created = created - 31 * 86400")
    assert ended(site_file(tmp_path, server), None, "--mail-on", "change") == UNTOLD
    assert "1 mails that waited are given up: older than 30 days" in capsys.readouterr().err
    assert got(server, tmp_path) == []
