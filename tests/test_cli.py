"""The command line from outside: help, refusals, exit status, secrets, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from tests.commands import ROOT, command, command_with_time, environment, rainbow_probe, starved

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))


def test_without_arguments_the_help_is_shown() -> None:
    """Whoever does not know what to type is told."""
    ended = rainbow_probe()
    assert ended.status == 0
    assert "rainbow-probe run" in ended.out
    assert "exit status" in ended.out


def test_the_version_is_told() -> None:
    """One line with name and version."""
    assert rainbow_probe("--version").out.startswith("rainbow-probe ")


@pytest.mark.parametrize("name", ["run", "demo", "list"])
def test_every_command_explains_itself(name: str) -> None:
    """Each has its own help."""
    ended = command(name, "--help")
    assert ended.status == 0
    assert f"rainbow-probe {name}" in ended.out


def test_list_names_every_row() -> None:
    """All rows of the guide, tested or not."""
    rows = (ROOT / "tests" / "data" / "rows.txt").read_text("utf-8").split()
    named = {line.split()[0] for line in command("list").out.splitlines()}
    assert named == set(rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--client", "deskto"], "--client deskto: the guide hds-ed21 has no such client; known are desktop"),
        (["run", "--guide", "hds-ed99"], "hds-ed99"),
        (["run", "--site", "/nonexistent.toml"], "/nonexistent.toml: No such file"),
        (["run", "--turn", "turn://x"], "--turn 'turn://x': not a TURN URI"),
        (["run", "--map", "x"], "--map 'x': wanted is HOST:PORT=ADDRESS:PORT"),
        (["run", "--proxy", "ftp://x"], "--proxy: not the URL of a proxy"),
        (["run", "--resolver", "name"], "--resolver"),
        (["run", "--timeout", "0"], "--timeout: 0 is not a time-out"),
        (["run", "--timeout", "x"], "--timeout: invalid float value"),
        (["run", "--ca-file", "/nonexistent.pem"], "/nonexistent.pem: No such file"),
        (["run", "--turn-user", "me"], "RAINBOW_PROBE_TURN_PASSWORD"),
        (["run", "--turn-password-file", "/x"], "without a user"),
        (["run", "--proxy-user", "me"], "--proxy-user without a password: set RAINBOW_PROBE_PROXY_PASSWORD"),
        (["run", "--proxy-password-file", "/x"], "a proxy password without a user"),
        (["run", "--proxy-user", "me", "--proxy-password-file", "/nonexistent"], "--proxy-password-file /nonexistent"),
        (["run", "--json", "/nonexistent/report.json"], "--json /nonexistent/report.json: cannot be written"),
        (["run", "--html", "-"], "--html -"),
        (["run", "--quick", "--full"], "not allowed with"),
        (["demo", "--fault", "gremlins"], "--fault gremlins: no such fault; known are"),
        (["frobnicate"], "invalid choice"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments: list[str], said: str) -> None:
    """Exit status 2, what is wrong and what is allowed on standard error, no traceback."""
    ended = command(*arguments)
    assert ended.status == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_a_bad_certificate_file_is_named(tmp_path: Path) -> None:
    """A file without certificates is refused before the run."""
    file = tmp_path / "empty.pem"
    file.write_text("nothing here", "utf-8")
    ended = command("run", "--public-ca", str(file))
    assert (ended.status, "holds no certificate" in ended.err) == (2, True)


def test_a_report_path_is_tried_before_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    """A report that could not be written would be a run for nothing; trying leaves no empty file."""
    good, bad = tmp_path / "good.json", tmp_path / "no" / "bad.csv"
    ended = command("run", "--json", str(good), "--csv", str(bad))
    assert ended.status == 2
    assert not good.exists()


def test_ctrl_c_stops_at_once_and_keeps_what_was_found(tmp_path: Path) -> None:
    """Within a second, with the report on disk, status 130, and the progress that was on the screen."""
    file = tmp_path / "report.json"
    ours, theirs = pty.openpty()
    running = subprocess.Popen(  # noqa: S603 - our own command
        [
            sys.executable,
            "-m",
            "rainbow_probe",
            "demo",
            "--fault",
            "udp-blocked",
            "--timeout",
            "60",
            "--json",
            str(file),
        ],
        cwd=ROOT,
        env=environment({"TERM": "xterm"}),
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    with running:
        shown = _read_until(ours, re.compile(rb"(?<![0-9])[1-9] of \d+ checks left"))
        asked = time.monotonic()
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=60)
        took = time.monotonic() - asked
    os.close(ours)
    assert running.returncode == 130, shown
    report = json.loads(file.read_text("utf-8"))
    assert report["interrupted"] is True
    assert {check["outcome"] for check in report["checks"]} >= {"pass", "inconclusive"}
    assert b"Traceback" not in shown + out
    assert b"Clients" in out
    assert took < 30  # a second on a quiet machine; what is under way would take a minute


def _read_until(terminal: int, wanted: re.Pattern[bytes]) -> bytes:
    """Read what is shown on *terminal* until *wanted* is."""
    shown = b""
    end = time.monotonic() + 60
    while not wanted.search(shown) and time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536)
    assert wanted.search(shown), shown
    return shown


def test_the_demo_passes_and_its_report_fits_the_schema() -> None:
    """The whole job against the embedded cloud: everything that can be tried works."""
    ended = command_with_time("demo", "--quality-seconds", "0", "--json", "-")
    report = ended.report
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    if not starved(report):
        assert (ended.status, report["verdict"]) == (0, "pass")
        assert {check["outcome"] for check in report["checks"]} <= {"pass", "skipped"}
    assert "fail" not in {check["outcome"] for check in report["checks"]}
    assert [finding["id"] for finding in report["findings"] if finding["severity"] != "advice"] == []


@pytest.mark.parametrize(
    ("faults", "findings", "status"),
    [
        (["udp-blocked"], {"udp-blocked"}, 1),
        (["turn-80-inspected"], {"http-inspection-80"}, 0),
        (["tls-intercepted"], {"tls-intercepted"}, 1),
        (["proxy-only"], {"direct-blocked"}, 1),
        (["proxy-denies-80", "proxy-no-upgrade"], {"proxy-denies-80", "proxy-no-upgrade"}, 1),
        (["fcm-blocked", "dns-nxdomain"], {"push-ports-blocked", "dns-nxdomain"}, 1),
    ],
)
def test_every_fault_of_the_demo_is_named(faults: list[str], findings: set[str], status: int) -> None:
    """The same code as ``run`` finds what was planted; where this machine has no time for it, it says so."""
    planted = [f"--fault={fault}" for fault in faults]
    ended = command_with_time("demo", *planted, "--timeout", "4", "--quality-seconds", "0", "--json", "-")
    report = ended.report
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    named = {found["id"] for found in report["findings"]}
    if not starved(report):
        assert named >= findings
        assert ended.status == status, (named, report["summary"])


def test_the_demo_measures_voice() -> None:
    """Over the way that calls take; a busy machine says that it is one."""
    ended = command("demo", "--client", "bandwidth", "--quality-seconds", "2", "--json", "-")
    report = ended.report
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    row = next(row for row in report["rows"] if row["id"] == "bandwidth/voice-quality")
    checks = {check["target"]["transport"]: check for check in report["checks"] if check["kind"] == "quality"}
    assert set(checks) == {"udp"}
    assert row["checks"] == [checks["udp"]["id"]]
    failure = checks["udp"]["failure"]
    if failure is None or failure["cause"] != "budget":
        assert checks["udp"]["measured"]["sent"] == 500
        assert row["verdict"] == "pass", row["reason"]


def test_secrets_never_show(tmp_path: Path) -> None:
    """Every output of a run with a TURN and a proxy password is searched for them."""
    secrets = {"turn": "s3cr3t-turn-pw", "proxy": "s3cr3t-proxy-pw"}
    files = {name: tmp_path / f"report.{name}" for name in ("json", "html", "junit", "csv")}
    ended = rainbow_probe(
        "run",
        *("--proxy", f"http://joe:{secrets['proxy']}@127.0.0.1:9"),
        *("--resolver", "127.0.0.1:9"),  # no name leaves this machine
        *("--turn", "turn:127.0.0.1", "--turn-user", "me", "--timeout", "1", "--client", "desktop"),
        *(part for name, file in files.items() for part in (f"--{name}", str(file))),
        env={"RAINBOW_PROBE_TURN_PASSWORD": secrets["turn"]},
    )
    assert ended.status == 1
    everything = ended.out + ended.err + "".join(file.read_text("utf-8") for file in files.values())
    assert "127.0.0.1:9" in everything
    assert not [secret for secret in secrets.values() if secret in everything]
