"""What schedulers are told: each reads back the exact command, at the right times, and holds no secret."""

from __future__ import annotations

import os
import plistlib
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from rainbow_probe.arguments import parser
from rainbow_probe.cli import main
from rainbow_probe.data_folder import BusyError, held
from rainbow_probe.options import UsageError
from rainbow_probe.schedule.cron import without
from rainbow_probe.schedule.entries import Scheduler, entry, usual
from rainbow_probe.schedule.task import Task, program, task
from rainbow_probe.schedule.timing import Timing, own_share, timing
from rainbow_probe.schedule.turn import own_turn
from rainbow_probe.schedule.windows import NAMESPACE

SYSTEMD = Path("/usr/lib/systemd/systemd")
VERIFY = shutil.which("systemd-analyze") or ""
NASTY = (
    "--only",
    "*/wss",
    "a b",
    'say "hi"',
    "it's",
    "$HOME",
    "${HOME}",
    "$(id)",
    "`id`",
    "back\\slash",
    "end\\",
    "",
    "é",
    "#",
    ";&|<>",
)
PERCENT = ("50%", "%h", "%%")
EVERY_DAY = ("OnCalendar=*:0/5", "OnCalendar=0/6:00", "OnCalendar=00:00")


def made(*run: str, folder: str = "/srv/pro be") -> Task:
    """Return a task with these arguments of the run."""
    return Task(name="site", program=("/opt/rain bow/probe",), run=("run", *run), folder=Path(folder))


@pytest.mark.parametrize(
    ("every", "at", "jitter", "found"),
    [
        ("5m", None, None, Timing(every=300, jitter=30)),
        ("1h", None, None, Timing(every=3600, jitter=300)),
        ("1d", None, 0, Timing(every=86400)),
        ("30m", None, 900, Timing(every=1800, jitter=900)),
        (None, "06:00", None, Timing(at=(360,), jitter=300)),
        (None, "18:30, 6:05,18:30", 1, Timing(at=(365, 1110), jitter=1)),
    ],
)
def test_when(every: str | None, at: str | None, jitter: int | None, found: Timing) -> None:
    """Intervals and times of the day, with a delay that fits them."""
    assert timing(every, at, jitter) == found


@pytest.mark.parametrize(
    ("every", "at", "jitter", "said"),
    [
        (None, None, None, "schedule: give either --every, as in 1h, or --at"),
        ("1h", "06:00", None, "schedule: give either --every"),
        ("7m", None, None, "--every: '7m' is not possible; allowed are 5m, 10m"),
        ("often", None, None, "--every: 'often' is not possible"),
        (None, "24:00", None, "--at: '24:00' is no time of the day; wanted is HH:MM"),
        ("1h", None, 1801, "--jitter: 1801 is out of range; allowed are 0 to 1800"),
    ],
)
def test_when_not(every: str | None, at: str | None, jitter: int | None, said: str) -> None:
    """Only what every scheduler can say."""
    with pytest.raises(UsageError, match=re.escape(said)):
        timing(every, at, jitter)


@pytest.mark.skipif(not VERIFY, reason="systemd-analyze is not installed")
def test_systemd_finds_no_fault_in_the_units(tmp_path: Path) -> None:
    """All intervals and times at once; and it would find one."""
    units: list[str] = []
    for place, when in enumerate(("5m", "6h", "1d", "06:00,18:30")):
        timed = timing(when, None, None) if ":" not in when else timing(None, when, None)
        there = replace(made(*NASTY, *PERCENT), name=f"site{place}", program=("/bin/true",), folder=Path("/"))
        for file in entry(Scheduler.SYSTEMD_SYSTEM, there, timed).files:
            (tmp_path / file.path.name).write_text(file.text, "utf-8")
            units.append(str(tmp_path / file.path.name))
    assert all(line in "".join(Path(unit).read_text("utf-8") for unit in units) for line in EVERY_DAY)
    done = subprocess.run([VERIFY, "verify", *units], capture_output=True, text=True, check=False)  # noqa: S603 - the system's
    assert (done.returncode, done.stderr) == (0, "")
    timer = Path(units[1])
    timer.write_text(timer.read_text("utf-8").replace("OnCalendar=*:0/5", "OnCalendar=often"), "utf-8")
    done = subprocess.run([VERIFY, "verify", str(timer)], capture_output=True, text=True, check=False)  # noqa: S603 - the system's
    assert "Failed to parse calendar" in done.stderr


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that another user may read: systemd does not test units as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(not SYSTEMD.exists(), reason="systemd is not installed")
def test_systemd_reads_the_exact_command(open_folder: Path) -> None:
    """The real one loads the unit in its test mode and tells what it would start, and where."""
    units = open_folder / "systemd" / "user"
    units.mkdir(parents=True)
    wanted = made(*NASTY, *PERCENT, folder="/srv/a b%c")
    service, _ = entry(Scheduler.SYSTEMD, wanted, timing("1h", None, None)).files
    (units / service.path.name).write_text(service.text, "utf-8")
    runtime = open_folder / "run"
    runtime.mkdir()
    for folder, mode in ((open_folder / "systemd", 0o755), (units, 0o755), (runtime, 0o777)):
        folder.chmod(mode)
    nobody = ("setpriv", "--reuid", "65534", "--clear-groups") if os.geteuid() == 0 else ()
    env = {"PATH": os.environ["PATH"], "HOME": str(open_folder), "XDG_CONFIG_HOME": str(open_folder),
           "XDG_RUNTIME_DIR": str(runtime), "LANG": "C.UTF-8"}  # fmt: skip
    command = [*nobody, str(SYSTEMD), "--test", "--user", f"--unit={service.path.name}", "--log-target=console"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)  # noqa: S603 - the system's
    assert service.path.name in done.stdout, done.stderr
    told = done.stdout.partition(f"-> Unit {service.path.name}:")[2]
    (line,) = [line for line in told.splitlines()[:200] if "Command Line: " in line]
    shown = line.partition("Command Line: ")[2]
    bare = re.sub(r"\\(.)", lambda pair: pair[1] if pair[1] in "$`" else pair[0], shown)  # it escapes them for shells
    read = shlex.split(bare)
    assert [word.replace("$$", "$") for word in read] == list(wanted.words)  # $$ is read as $ when it starts
    assert "WorkingDirectory: /srv/a b%c" in told


def test_cron_runs_the_exact_command(tmp_path: Path) -> None:
    """A real shell reads the line as cron gives it to one, in the folder that was meant."""
    spy, folder = tmp_path / "spy $x", tmp_path / "a b%c"
    spy.write_text(f"#!{sys.executable}\nimport os, sys\nprint([os.getcwd(), *sys.argv[1:]])\n", "utf-8")
    spy.chmod(0o755)
    folder.mkdir()
    there = replace(made(*NASTY, *PERCENT), program=(str(spy),), folder=folder)
    lines = entry(Scheduler.CRON, there, timing(None, "06:05,18:30", None)).files[0].text.splitlines()
    assert [line.split()[:5] for line in lines[1:-1]] == [["5", "6", "*", "*", "*"], ["30", "18", "*", "*", "*"]]
    command = lines[1].split(maxsplit=5)[5]
    assert "%" not in command.replace("\\%", "")
    done = subprocess.run(["/bin/sh", "-c", command.replace("\\%", "%")], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == f"{[str(folder), *there.words[1:], '--jitter', '300', '--quiet']}\n"


@pytest.mark.parametrize(("every", "fields"), [("10m", "*/10 * * * *"), ("2h", "0 */2 * * *"), ("1d", "0 0 * * *")])
def test_intervals_of_cron(every: str, fields: str) -> None:
    """In the five fields that every cron knows."""
    assert f"\n{fields} cd " in entry(Scheduler.CRON, made(), timing(every, None, None)).files[0].text


def test_launchd_reads_the_exact_command() -> None:
    """A property list has no quoting; the moments are those of the clock."""
    (file,) = entry(Scheduler.LAUNCHD, made(*NASTY, *PERCENT), timing("12h", None, None)).files
    job = plistlib.loads(file.text.encode())
    assert job["ProgramArguments"] == [*made(*NASTY, *PERCENT).words, "--jitter", "300", "--quiet"]
    assert job["WorkingDirectory"] == "/srv/pro be"
    assert job["StartCalendarInterval"] == [{"Hour": 0, "Minute": 0}, {"Hour": 12, "Minute": 0}]
    quarter = entry(Scheduler.LAUNCHD, made(), timing("30m", None, None)).files[0]
    assert plistlib.loads(quarter.text.encode())["StartCalendarInterval"] == [{"Minute": 0}, {"Minute": 30}]
    morning = entry(Scheduler.LAUNCHD, made(), timing(None, "06:05", None)).files[0]
    assert plistlib.loads(morning.text.encode())["StartCalendarInterval"] == [{"Hour": 6, "Minute": 5}]


def windows_words(line: str) -> list[str]:
    """Part a command line as programs on Windows do: backslashes mean something before a quotation mark only."""
    words, word, quoted, slashes = list[str](), "", False, 0
    begun = False
    for letter in f"{line} ":
        if letter == "\\":
            slashes += 1
            continue
        if letter == '"':
            word += "\\" * (slashes // 2) + '"' * (slashes % 2)
            quoted, begun = quoted is (slashes % 2 == 1), True
        else:
            word += "\\" * slashes
            if letter == " " and not quoted:
                words += [word] if word or begun else []
                word, begun = "", False
            else:
                word += letter
        slashes = 0
    return words


def test_windows_reads_the_exact_command() -> None:
    """The elements come in the order of the schema; a percent sign would be a variable, and is refused."""
    plain = ("--only", "*/wss", "a b", 'say "hi"', "it's", "back\\slash", "", "é")
    (file,) = entry(Scheduler.WINDOWS, made(*plain), timing("2h", None, None)).files
    top = ET.fromstring(file.text.partition("\n")[2])  # noqa: S314 - our own
    find = {"t": NAMESPACE}
    line = top.findtext("t:Actions/t:Exec/t:Arguments", "", find)
    assert windows_words(line) == [*made(*plain).words[1:], "--quiet"]
    assert top.findtext("t:Actions/t:Exec/t:Command", "", find) == "/opt/rain bow/probe"
    assert top.findtext("t:Actions/t:Exec/t:WorkingDirectory", "", find) == "/srv/pro be"
    (trigger,) = top.findall("t:Triggers/t:CalendarTrigger", find)
    order = [child.tag.partition("}")[2] for child in trigger]
    assert order == ["StartBoundary", "Repetition", "RandomDelay", "ScheduleByDay"]
    assert trigger.findtext("t:Repetition/t:Interval", "", find) == "PT120M"
    assert top.findtext("t:Settings/t:MultipleInstancesPolicy", "", find) == "IgnoreNew"
    assert file.text.encode(file.encoding).startswith((b"\xff\xfe", b"\xfe\xff"))
    daily = entry(Scheduler.WINDOWS, made(), timing(None, "06:05,18:30", None)).files[0].text
    assert re.findall(r"<StartBoundary>(.*?)<", daily) == ["2026-01-01T06:05:00", "2026-01-01T18:30:00"]
    with pytest.raises(UsageError, match="would take what is between percent signs for a variable"):
        entry(Scheduler.WINDOWS, made("50%"), timing("2h", None, None))


SCHEMA: dict[str, tuple[list[str], bool]] = {
    "Task": (["RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"], False),
    "RegistrationInfo": (["URI", "SecurityDescriptor", "Source", "Date", "Author", "Version", "Description"], False),
    "Triggers": (["CalendarTrigger", "TimeTrigger", "BootTrigger"], False),
    "CalendarTrigger": (["Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit", "RandomDelay",
                         "ScheduleByDay"], True),
    "Repetition": (["Interval", "Duration", "StopAtDurationEnd"], False),
    "ScheduleByDay": (["DaysInterval"], False),
    "Settings": (["MultipleInstancesPolicy", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries",
                  "StartWhenAvailable", "RunOnlyIfNetworkAvailable", "ExecutionTimeLimit"], False),
    "Actions": (["Exec"], True),
    "Exec": (["Command", "Arguments", "WorkingDirectory"], False),
}  # fmt: skip
"""Elements and their children as in the Task Scheduler schema that Microsoft publishes, and whether in that order."""
VALUES = {
    "Interval": r"PT\d+M",
    "Duration": "P1D",
    "StopAtDurationEnd": "true|false",
    "StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "RandomDelay": r"PT\d+S",
    "DaysInterval": "1",
    "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
    "ExecutionTimeLimit": r"PT\d+M",
    "Command": ".{1,260}",
    "WorkingDirectory": ".{1,260}",
}


@pytest.mark.parametrize(("every", "at"), [("5m", None), ("12h", None), ("1d", None), (None, "06:05,18:30")])
def test_windows_gets_what_its_schema_allows(every: str | None, at: str | None) -> None:
    """Each element where it may stand, as often and in the order it may, with a value of its type."""
    text = entry(Scheduler.WINDOWS, made("--only", "*/wss"), timing(every, at, None)).files[0].text
    top = ET.fromstring(text.partition("\n")[2])  # noqa: S314 - our own
    assert top.tag == f"{{{NAMESPACE}}}Task"
    for element in top.iter():
        name, inside = element.tag.partition("}")[2], [child.tag.partition("}")[2] for child in element]
        allowed, ordered = SCHEMA.get(name, ([], True))
        assert set(inside) <= set(allowed), name
        assert name == "Triggers" or len(set(inside)) == len(inside)
        assert not ordered or inside == [one for one in allowed if one in inside]
        assert name not in VALUES or re.fullmatch(VALUES[name], element.text or ""), name


def test_windows_is_told_no_more_than_it_takes() -> None:
    """48 triggers, and paths of 260 characters."""
    many = ",".join(f"{minute // 60:02}:{minute % 60:02}" for minute in range(49))
    with pytest.raises(UsageError, match="--at: 49 times are too many; the Task Scheduler takes 48"):
        entry(Scheduler.WINDOWS, made(), timing(None, many, None))
    with pytest.raises(UsageError, match="paths of 260 characters at most"):
        entry(Scheduler.WINDOWS, replace(made(), folder=Path("/" + "x" * 260)), timing("1d", None, None))


def test_kubernetes_takes_the_manifests(tmp_path: Path) -> None:
    """Each is valid by Kubernetes' own schema, strictly; the site file comes along, and the arguments are exact."""
    site = tmp_path / "site.toml"
    site.write_text('name = "Clinic Éast"\nlabels = { a = "b: c # d" }\n', "utf-8")
    there = replace(made("--site", str(site), *NASTY, *PERCENT), site=str(site))
    (file,) = entry(Scheduler.KUBERNETES, there, timing(None, "06:05,18:30", None), "registry.example/probe:1").files
    documents: list[dict[str, Any]] = list(yaml.safe_load_all(file.text))
    assert [one["kind"] for one in documents] == ["PersistentVolumeClaim", "ConfigMap", "CronJob", "CronJob"]
    for one in documents:
        kubernetes_validate.validate(one, "1.37", strict=True)
    assert documents[1]["data"]["site.toml"] == site.read_text("utf-8")
    specs = [one["spec"] for one in documents[2:]]
    assert [one["schedule"] for one in specs] == ["5 6 * * *", "30 18 * * *"]
    assert {one["concurrencyPolicy"] for one in specs} == {"Forbid"}
    (container,) = specs[0]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    read = [word.replace("$$(", "$(") for word in container["args"]]
    mounted = ["/etc/rainbow-probe/site.toml" if word == str(site) else word for word in there.run]
    assert read == [*mounted, "--lock", "site", "--jitter", "300", "--quiet"]
    assert "$(id)" not in container["args"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**documents[2], "spec": {"schedule": 5}}, "1.37", strict=True)
    again = entry(Scheduler.KUBERNETES, replace(there, run=("run", f"--site={site}")), timing("1h", None, None)).files[
        0
    ]
    assert '- "--site=/etc/rainbow-probe/site.toml"\n' in again.text


def checked(tmp_path: Path, words: list[str], site: str, *, variables: bool = False) -> Task:
    """Make a task of what a user typed, with a site file of this text."""
    file = tmp_path / "site.toml"
    file.write_text(site, "utf-8")
    rest = [*words, "--site", str(file)]
    return task("site", rest, parser().parse_args(["run", *rest]), tmp_path, variables=variables)


MAIL = '[mail]\nserver = "x"\nuser = "u"\n'


@pytest.mark.parametrize(
    ("words", "site", "said"),
    [
        (["--turn-user", "me"], "", "the TURN password: where a scheduler starts it, no variable is set"),
        (["--proxy-user", "me"], "", "the proxy password: where a scheduler"),
        ([], 'turn_user = "me"\n', "the TURN password"),
        ([], MAIL, "the mail password"),
        (["--account", "me@x", "--account-password-file", "f"], "", "the account's password: where a scheduler"),
        ([], MAIL + 'password = { env = "P" }\n', "mail.password in the site file: where a scheduler"),
        (["--proxy", "http://u:Swordfish@x:1"], "", "--proxy: the password in its URL would stand in the scheduler's"),
        (["--only", "a\nb"], "", "has a character that no scheduler can be told"),
    ],
)
def test_no_schedule_holds_or_misses_a_secret(tmp_path: Path, words: list[str], site: str, said: str) -> None:
    """What would not work alone, or would show a password to whoever reads the scheduler's files, is refused."""
    with pytest.raises(UsageError, match=re.escape(said)) as refused:
        checked(tmp_path, words, site)
    assert "Swordfish" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "site", "variables"),
    [
        (["--turn-user", "me", "--turn-password-file", "f"], "", False),
        ([], MAIL + 'password = { file = "f" }\n', False),
        ([], 'turn_user = "me"\nturn_password = { file = "f" }\n', False),
        ([], MAIL + 'password = { env = "P" }\n', True),
    ],
)
def test_secrets_in_files_are_fine(tmp_path: Path, words: list[str], site: str, variables: bool) -> None:
    """And variables too, where the scheduler has a place of its own for secrets."""
    there = checked(tmp_path, words, site, variables=variables)
    assert there.run == ("run", *words, "--site", str(tmp_path / "site.toml"))


def test_what_starts_the_probe() -> None:
    """A program with its whole path, which works from any folder."""
    done = subprocess.run([*program(), "--version"], capture_output=True, text=True, check=True, cwd="/")  # noqa: S603 - our own
    assert done.stdout.startswith("rainbow-probe ")


def tool(folder: Path, name: str, script: str) -> None:
    """Put a scheduler's program into *folder*."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a machine with crontab and systemctl that work in a folder of the test, and a home there."""
    tool(
        tmp_path,
        "crontab",
        f'[ "$1" = -l ] && exec cat "{tmp_path}/table"\n[ "$1" = - ] && exec cat >"{tmp_path}/table"',
    )
    tool(
        tmp_path,
        "systemctl",
        f'echo "$@" >>"{tmp_path}/told"; case "$*" in *fails*) echo no such unit >&2; exit 5;; esac',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def test_a_crontab_keeps_what_others_wrote(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ours is put in, replaced, and taken out; a second schedule of another name stays."""
    cron = ("--for", "cron", "--every", "1h")
    assert main(["schedule", "install", *cron]) == 0  # whoever has no table yet has one then
    assert main(["schedule", "remove", "--for", "cron"]) == 0
    assert (machine / "table").read_text("utf-8") == ""
    (machine / "table").write_text("MAILTO=me\n0 5 * * * backup\n", "utf-8")
    assert main(["schedule", "install", *cron, "--", "--quick"]) == 0
    assert main(["schedule", "install", *cron, "--name", "other"]) == 0
    assert main(["schedule", "install", *cron, "--", "--full"]) == 0
    table = (machine / "table").read_text("utf-8")
    assert table.startswith("MAILTO=me\n0 5 * * * backup\n")
    assert (table.count("--full"), table.count("--quick"), table.count("--lock other")) == (1, 0, 1)
    assert main(["schedule", "remove", "--for", "cron"]) == 0
    assert main(["schedule", "remove", "--for", "cron"]) == 0
    said = capsys.readouterr().out
    assert "installed in cron; to look at it: crontab -l" in said
    assert "nothing of the name site was there in cron" in said
    assert "--lock other" in (machine / "table").read_text("utf-8")
    assert without("a\n# begin rainbow-probe x\nb\n# end rainbow-probe x\nc\n", "x") == "a\nc\n"


def test_units_are_installed_and_removed(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written, reloaded, switched on; and the other way round."""
    units = machine / ".config" / "systemd" / "user"
    systemd = ("--for", "systemd")
    assert main(["schedule", "install", "--at", "06:00", *systemd]) == 0
    assert sorted(file.name for file in units.iterdir()) == ["rainbow-probe-site.service", "rainbow-probe-site.timer"]
    assert "loginctl enable-linger" in capsys.readouterr().out
    assert main(["schedule", "remove", *systemd]) == 0
    assert list(units.iterdir()) == []
    assert main(["schedule", "remove", *systemd]) == 0
    assert (machine / "told").read_text("utf-8").splitlines() == [
        "--user daemon-reload",
        "--user enable --now rainbow-probe-site.timer",
        "--user disable --now rainbow-probe-site.timer",
        "--user daemon-reload",
    ]
    assert main(["schedule", "install", "--at", "06:00", *systemd, "--name", "fails"]) == 2
    assert "status 5: no such unit; 'rainbow-probe schedule print' shows what to set up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["install", "--every", "1h", "--for", "launchd"], "launchctl: No such file or directory"),
        (["install", "--every", "1h", "--for", "kubernetes"], "for kubernetes print it, and give it to kubectl"),
        (
            ["print", "--every", "1h", "--for", "at"],
            "--for: 'at' is unknown; allowed are systemd, systemd-system, cron",
        ),
        (["print", "--every", "1h", "--name", "a b"], "--name: 'a b' is not possible; allowed are a-z"),
        (["print", "--for", "cron"], "give either --every"),
    ],
)
@pytest.mark.usefixtures("machine")
def test_what_cannot_be_scheduled(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    """With what to do instead."""
    assert main(["schedule", *words]) == 2
    assert said in capsys.readouterr().err


def test_what_is_printed_can_be_redirected(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One file alone; several each under its path."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert main(["schedule", "print", "--every", "1h", "--for", "kubernetes", "--", "--quick"]) == 0
    assert len(list(yaml.safe_load_all(capsys.readouterr().out))) == 2
    assert main(["schedule", "print", "--every", "1h", "--for", "systemd-system"]) == 0
    said = capsys.readouterr().out
    assert "# /etc/systemd/system/rainbow-probe-site.service\n[Unit]\n" in said
    assert "\n# /etc/systemd/system/rainbow-probe-site.timer\n[Unit]\n" in said


def test_the_scheduler_of_each_platform(machine: Path) -> None:
    """Windows and macOS have one; on Linux it is systemd where it runs, and cron elsewhere."""
    assert usual("win32") is Scheduler.WINDOWS
    assert usual("darwin") is Scheduler.LAUNCHD
    assert usual("linux", machine / "nowhere") is Scheduler.CRON
    assert usual("linux", machine) in {Scheduler.SYSTEMD, Scheduler.SYSTEMD_SYSTEM}


def test_one_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The second does nothing and says so; the lock is free when the first has ended."""
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path))
    with held(tmp_path / "site.lock"):
        assert main(["run", "--lock", "site"]) == 3
        assert "another run is at work: nothing done" in capsys.readouterr().err
        with pytest.raises(BusyError), own_turn("site", 0):
            raise AssertionError
        with own_turn("other", 0), own_turn(None, 0):
            pass
    with own_turn("site", 0):
        pass
    assert main(["run", "--lock", "../x"]) == 2
    assert "--lock: '../x' is not possible" in capsys.readouterr().err
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path / "site.lock"))
    assert main(["run", "--lock", "site"]) == 2


def test_the_share_of_a_machine_is_its_own() -> None:
    """Always the same, and within what was asked for."""
    assert own_share(0) == 0
    assert {own_share(300) for _ in range(5)} == {own_share(300)}
    assert all(0 <= own_share(most) <= most for most in range(50))
