"""Run after run in the foreground: signals end it, start one, and read the settings anew."""

from __future__ import annotations

import os
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from rainbow_probe.cli import main
from rainbow_probe.history.store import open_store
from rainbow_probe.watching import next_in, watch
from tests.commands import LONGEST, ROOT, environment

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
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.request.recv(256)


def test_a_change_is_told_only_if_a_second_try_sees_it(tmp_path: Path) -> None:
    """A real server that fails once alarms nobody, and the row stands as it did; one that fails twice does."""
    row = "webrtc-gateway/ssh"
    with Gateway() as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        there = f"gateway.example:22=127.0.0.1:{gateway.server_address[1]}"
        words = ("--only", row, "--proxy", "none", "--gateway", "gateway.example", "--map", there)
        with watching(tmp_path, *words) as process:
            line(process)
            line(process)
            for away, told in ((1, False), (2, True)):
                gateway.turned_away = away
                process.send_signal(signal.SIGHUP)
                said = line(process)
                assert (f"1 row got worse ({row})" in said) is told, said
                assert gateway.turned_away == 0
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LONGEST)
        gateway.shutdown()
    with open_store(tmp_path) as store:
        runs = [run.id for run in store.runs()][::-1]
        assert [str(store.verdicts(run)[row]) for run in runs] == ["pass", "fail", "fail"]
        assert [str(store.settled(run)[row]) for run in runs] == ["pass", "pass", "fail"]


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
