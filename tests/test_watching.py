"""Run after run in the foreground: signals end it, start one, and read the settings anew."""

from __future__ import annotations

import html
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from rainbow_probe.arguments import parser
from rainbow_probe.cli import main
from rainbow_probe.history.confirm import SecondTry
from rainbow_probe.history.store import open_store
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.options import Options
from rainbow_probe.report.from_json import loads
from rainbow_probe.session import perform, read_guide
from rainbow_probe.watching import next_in, watch
from tests import report_samples as samples
from tests.commands import LONGEST, ROOT, command, environment

RUN = ("--only", "os/dynamic-ports", "--proxy", "none")


@pytest.mark.parametrize(
    ("gone", "every", "left"),
    [(0, 300, 300), (1, 300, 299), (299, 300, 1), (300, 300, 300), (750, 300, 150), (0.25, 10, 9.75)],
)
def test_no_run_shifts_those_after_it(gone: float, every: float, left: float) -> None:
    """The next one comes when it would have come had this one taken no time; those it overlaps are left out."""
    assert next_in(gone, every) == left


@contextmanager
def watching(folder: Path, *words: str) -> Generator[subprocess.Popen[str]]:
    """Start a watch; it is over when the block is left."""
    env = environment({"RAINBOW_PROBE_DATA": str(folder), "RAINBOW_PROBE_STORE": ""})
    command = [sys.executable, "-m", "rainbow_probe", "watch", "--every", "1d", "--", *words]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=env
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def ignoring(number: signal.Signals) -> Generator[None]:
    """Ignore a signal, as children that are started now do then."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that the watch says, without its time."""
    assert process.stdout
    return process.stdout.readline().partition(" ")[2].strip()


def test_signals_start_runs_and_end_the_watch(tmp_path: Path) -> None:
    """SIGHUP: a run at once with the settings as they are now, even if these were wrong for a while; SIGTERM: 0."""
    site = tmp_path / "site.toml"
    site.write_text('name = "Before"\n', "utf-8")
    with watching(tmp_path, "--site", str(site), *RUN) as process:
        assert line(process).startswith("watching, a run every 1d")
        assert "Before" in line(process)
        site.write_text("name = \n", "utf-8")
        process.send_signal(signal.SIGHUP)
        assert line(process) == "the run could not be made"
        site.write_text('name = "After"\n', "utf-8")
        process.send_signal(signal.SIGHUP)
        assert "After" in line(process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, out.partition(" ")[2]) == (0, "stopped\n")
    assert "not TOML" in err
    with open_store(tmp_path) as store:
        assert [run.series for run in store.runs()] == ["After", "Before"]


class Gateway(socketserver.ThreadingTCPServer):
    """Greets as SSH does, but for as many visitors as it is told to turn away."""

    allow_reuse_address = daemon_threads = True
    turned_away = 0
    at_second: Callable[[], None] | None = None
    """What is done when somebody comes again who was turned away."""

    def __init__(self) -> None:
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), Greeter)


class Greeter(socketserver.BaseRequestHandler):
    """Serves one visitor."""

    def handle(self) -> None:
        """Greet, or say nothing and go."""
        gateway = self.server
        assert isinstance(gateway, Gateway)
        if gateway.turned_away > 0:
            gateway.turned_away -= 1
            return
        if gateway.at_second:
            gateway.at_second()
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.request.recv(256)


ROW = "webrtc-gateway/ssh"


@contextmanager
def gateway_watched(folder: Path) -> Generator[tuple[Gateway, subprocess.Popen[str]]]:
    """Watch the SSH of a real server; its first run is over."""
    with Gateway() as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        there = f"gateway.example:22=127.0.0.1:{gateway.server_address[1]}"
        words = ("--only", ROW, "--proxy", "none", "--gateway", "gateway.example", "--map", there)
        files = [f"--{name}={folder / name}" for name in ("json", "prometheus", "html")]
        with watching(folder, *words, *files) as process:
            line(process)
            line(process)
            yield gateway, process
        gateway.shutdown()


def written(folder: Path) -> tuple[str, str, list[str]]:
    """Return what the files of the last run say of the row: verdict, reason, findings; all files say the same."""
    report = json.loads((folder / "json").read_text("utf-8"))
    (row,) = report["rows"]
    told = f'rainbow_probe_row_verdict{{row="{ROW}",need="{row["need"]}",verdict="{row["verdict"]}"}} 1'
    assert told in (folder / "prometheus").read_text("utf-8")
    assert html.escape(row["reason"]) in (folder / "html").read_text("utf-8")
    return row["verdict"], row["reason"], [one["id"] for one in report["findings"]]


def test_a_change_is_told_only_if_a_second_try_sees_it(tmp_path: Path) -> None:
    """A real server that fails once alarms nobody, by line, file or history; one that fails twice does; so heals."""
    ways: tuple[tuple[int, str, str, list[str]], ...] = (
        (1, "pass", "pass", []),
        (2, "degraded", "fail", ["lan-ssh-fails"]),  # the row is an optional one
        (0, "pass", "pass", []),
    )
    with gateway_watched(tmp_path) as (gateway, process):
        for away, said, verdict, findings in ways:
            gateway.turned_away = away
            process.send_signal(signal.SIGHUP)
            told = line(process)
            assert f"  {said}  " in told, told
            assert (f"1 row got worse ({ROW})" in told) is (away == 2), told
            assert gateway.turned_away == 0
            found, reason, named = written(tmp_path)
            assert (found, named) == (verdict, findings), reason
            assert ("tried twice in a row, the first time it failed" in reason) is (away == 1), reason
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONGEST)
    with open_store(tmp_path) as store:
        runs = store.runs()[::-1]
        assert [str(run.verdict) for run in runs] == ["pass", "pass", "degraded", "pass"]
        assert [loads(store.report(run.id)).verdict for run in runs] == [run.verdict for run in runs]
        assert [str(store.verdicts(run.id)[ROW]) for run in runs] == ["pass", "fail", "fail", "pass"]
        assert [str(store.settled(run.id)[ROW]) for run in runs] == ["pass", "pass", "fail", "pass"]
    listed = command("history", env={"RAINBOW_PROBE_DATA": str(tmp_path)}).out.splitlines()
    assert ["got worse" in one for one in listed if " " in one.strip() and one.strip()[0].isdigit()] == [
        *(False, True, False, False)
    ], listed


def test_what_was_found_is_kept_if_the_second_try_is_stopped(tmp_path: Path) -> None:
    """What failed once is evidence and no verdict: the files and the history hold the failed check."""
    with gateway_watched(tmp_path) as (gateway, process):
        gateway.turned_away, gateway.at_second = 1, lambda: process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=LONGEST)
    assert process.returncode == 130
    verdict, reason, findings = written(tmp_path)
    assert (verdict, findings) == ("inconclusive", []), reason
    assert "the second time it was stopped" in reason
    report = json.loads((tmp_path / "json").read_text("utf-8"))
    assert report["interrupted"]
    assert "fail" in {check["outcome"] for check in report["checks"]}
    with open_store(tmp_path) as store:
        assert [(run.interrupted, str(run.verdict)) for run in store.runs()] == [
            (True, "inconclusive"),
            (False, "pass"),
        ]


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_whatever_ends_the_second_try_the_first_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: type[BaseException]
) -> None:
    """Ctrl-C before it has begun, and a fault of our own, which is told as such."""
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path))
    monkeypatch.setenv("RAINBOW_PROBE_STORE", "")
    file, guide = tmp_path / "json", read_guide(Options().guide, ())
    words = ["run", "--quiet", "--json", str(file)]

    def again(*_: object) -> SecondTry:
        raise end

    def ended(report: Report) -> int:
        return perform(parser().parse_args(words, Namespace(watched=True)), guide, lambda _: report, again)

    assert ended(samples.open_site()) == 0
    with nullcontext() if end is KeyboardInterrupt else pytest.raises(end):
        assert ended(samples.broken_site()) == 130
    report = json.loads(file.read_text("utf-8"))
    assert report["interrupted"]
    assert len(report["checks"]) == len(samples.broken_site().results)
    with open_store(tmp_path) as store:
        assert [run.interrupted for run in store.runs()] == [True, False]
        assert set(store.standing(store.runs()[0].series).values()) == {RowVerdict.PASS}


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_run_that_is_at_work_is_interrupted(
    tmp_path: Path, number: signal.Signals, status: int, *, ignored: bool
) -> None:
    """Nothing is waited for, and nothing is said to be known; also where a script had it ignore SIGINT."""
    with (
        ignoring(signal.SIGINT) if ignored else nullcontext(),
        watching(tmp_path, "--jitter", "86400", *RUN) as process,
    ):
        assert line(process).startswith("watching")
        process.send_signal(number)
        _, err = process.communicate(timeout=LONGEST)
    assert process.returncode == status
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [["run"], ["watch", "--every", "1d", "--"]])
def test_ctrl_c_in_the_midst_of_loading_is_told_by_the_status(tmp_path: Path, command: list[str]) -> None:
    """Not by dying of the signal: CPython remembers one that met exec, and dataclasses are made by it as we load."""
    interrupted = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(9): pass"
    (tmp_path / "certifi.py").write_text(f"exec({interrupted!r})\n", "utf-8")
    env = environment({"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])})
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "rainbow_probe", *command, *RUN],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=env,
        timeout=LONGEST,
        check=False,
    )
    assert ended.returncode == 130, ended
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--every", "1s"], "--every: '1s' is not possible; allowed are 10s to 7d"),
        (["--every", "soon"], "--every: 'soon' is not possible"),
        (["--every", "5m", "--", "--site", "nofile.toml"], "--site nofile.toml: No such file"),
    ],
)
def test_a_watch_that_cannot_begin(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    """What is wrong from the start is told at once."""
    assert main(["watch", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_fault_of_one_run_does_not_end_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told; the wait after it ends by a signal."""
    before = signal.getsignal(signal.SIGTERM)

    def once() -> int:
        signal.raise_signal(signal.SIGHUP)  # the next run at once
        if not capsys.readouterr().err:
            raise RuntimeError("no luck")
        signal.raise_signal(signal.SIGTERM)
        return 0

    assert watch("10s", once) == 0
    assert signal.getsignal(signal.SIGTERM) is before
