"""Network namespaces: made under a name of our own, removed with every process in them."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

PREFIX = "rp"
ETC = Path("/etc/netns")  # what ``ip netns exec`` mounts over /etc, see ip-netns(8)
NEEDED = (
    "ip",
    "nft",
    "turnserver",
    "squid",
    "nginx",
    "dnsmasq",
    "prosody",
    "tinyproxy",
    "tayga",
    "ejabberdctl",
    "krb5kdc",
    "kinit",
    "openssl",
    "chromium",
    "certutil",
)
CLONE_NEWNET = 0x40000000  # linux/sched.h; os.setns comes with Python 3.12
T = TypeVar("T")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LabError(Exception):
    """The lab could not be made what the site file says it is."""


def run(*command: str, given: str | None = None) -> str:
    """Run *command* (with *given* on its standard input) and return what it prints; any failure is a ``LabError``."""
    path = {**os.environ, "PATH": SYSTEM_PATH}
    done = subprocess.run(  # noqa: S603 - a fixed command of ours
        command, input=given, text=True, capture_output=True, check=False, env=path, timeout=30
    )
    if done.returncode:
        raise LabError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def why_not() -> str:
    """Tell why this machine cannot have a lab; empty when it can."""
    if platform.system() != "Linux":
        return "platform: network namespaces need Linux"
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in NEEDED if shutil.which(name, path=SYSTEM_PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (run tests/setup.sh)"
    return _try_one()


def _try_one() -> str:
    try:
        Namespace("try").delete()
    except LabError as exc:
        return f"no network namespace can be made: {exc}"
    return ""


class Namespace:
    """One namespace, named after this process so that two labs never meet."""

    def __init__(self, role: str, *, owner: int | None = None) -> None:
        """Make the namespace for *role*; its loopback is up."""
        self.name = f"{PREFIX}-{owner or os.getpid()}-{role}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        # Addresses work at once: nobody else is there to have them already.
        self.sysctl("net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0")

    def ip(self, *arguments: str) -> str:
        """Run ``ip`` inside."""
        return run("ip", "-n", self.name, *arguments)

    def sysctl(self, *settings: str) -> None:
        """Set kernel parameters of this namespace, each ``key=value``."""
        self.run("sysctl", "-q", "-w", *settings)

    def run(self, *command: str, given: str | None = None) -> str:
        """Run a short command inside and return what it prints."""
        return run(*self.enter(*command), given=given)

    def enter(self, *command: str) -> list[str]:
        """Return the command line that runs *command* inside."""
        return ["ip", "netns", "exec", self.name, *command]

    def resolver(self, *addresses: str, options: Iterable[str] = (), search: Iterable[str] = ()) -> None:
        """Make *addresses* the system's resolvers for whatever runs inside; the host's own file is not touched."""
        folder = ETC / self.name
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"nameserver {address}" for address in addresses]
        lines += [" ".join([key, *words]) for key, words in (("options", options), ("search", search)) if words]
        (folder / "resolv.conf").write_text("\n".join(lines) + "\n", encoding="ascii")

    def popen(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a long-running *command* inside, in a process group of its own; its output goes to *log*."""
        clean = environment if environment is not None else {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}
        with log.open("ab") as out:
            return subprocess.Popen(  # noqa: S603 - a fixed command of ours
                self.enter(*command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(clean),
                start_new_session=True,
            )

    def delete(self) -> None:
        """Stop what still runs inside, then remove the namespace."""
        remove(self.name)


def remove(name: str) -> None:
    """Remove the namespace *name*, the processes in it, and its files; no error when it is gone already."""
    if not Path("/run/netns", name).exists():
        return
    for pid in run("ip", "netns", "pids", name).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    run("ip", "netns", "del", name)
    shutil.rmtree(ETC / name, ignore_errors=True)
    with suppress(OSError):  # other namespaces have files there still
        ETC.rmdir()


def remove_stale() -> None:
    """Remove what labs left behind whose process is gone."""
    for entry in Path("/run/netns").glob(f"{PREFIX}-*-*"):
        owner = entry.name.split("-")[1]
        if owner.isdigit() and not Path("/proc", owner).exists():
            remove(entry.name)


def inside(namespace: Namespace, work: Callable[[], T]) -> T:
    """Do *work* in a thread that lives in *namespace*: the sockets it opens are there, its files are the host's."""
    return inside_named(namespace.name, work)


def inside_named(name: str, work: Callable[[], T]) -> T:
    """Do as ``inside`` does, for a namespace known by its *name*."""
    found: Future[T] = Future()

    def enter() -> None:
        try:
            _join(name)
            found.set_result(work())
        except BaseException as exc:  # noqa: BLE001 - raised again where the result is asked for
            found.set_exception(exc)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return found.result()


def _join(name: str) -> None:
    """Move the calling thread into the namespace *name*, for good."""
    with Path("/run/netns", name).open("rb") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET):
            raise LabError(f"cannot enter {name}: {os.strerror(ctypes.get_errno())}")
