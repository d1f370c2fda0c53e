"""Another network of a site: the places of the WebRTC gateway, of the PBX, of phones and of other clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.lab import clock, servers, wiring
from tests.lab.cloud_servers import PROGRAM
from tests.lab.firewall import BOXES
from tests.lab.names import OFFICE_GATEWAY
from tests.lab.netns import SYSTEM_PATH, Namespace
from tests.lab.scenario import Office
from tests.lab.servers import Server

SIPP = Path(__file__).parents[1] / "data" / "sipp-options.xml"
CHRONY = """\
bindaddress {address}
allow 198.19.0.0/16
local stratum 4
cmdport 0
bindcmdaddress /
pidfile {folder}/chrony.pid
"""


def connect(border: Namespace, office: Namespace, there: Office) -> None:
    """Plug it into the border, and give everybody there an address."""
    wiring.cable(border, "office", office, "eth0")
    wiring.plug(border, "office", f"{OFFICE_GATEWAY}/24")
    wiring.plug(office, "eth0", *(f"{address}/24" for address in there.addresses), gateway=OFFICE_GATEWAY)


def start_all(office: Namespace, folder: Path, there: Office) -> Iterator[Server]:
    """Start what is there; the caller waits for it."""
    for address, ports in there.responders.items():
        few = address in there.few_sockets
        yield _with_few_sockets(office, folder, address, ports) if few else _responder(office, folder, address, ports)
    if there.pbx:
        command = ["sipp", "-sf", str(SIPP), "-i", there.pbx, "-p", "5060", "-nostdin", "-m", "99"]
        yield servers.start(office, "sipp", command, folder=folder, ports=["udp/5060"])
    if there.ntp:
        yield _time_server(office, folder, there)
    if there.ssh:
        yield _ssh(office, folder, there.ssh)
    if there.stun:
        command = ["turnserver", "-n", "--no-cli", "--simple-log", "--log-file=stdout", "--stun-only", "--no-tls"]
        command += ["--no-dtls", f"--listening-ip={there.stun}", f"--pidfile={folder}/stun.pid"]
        yield servers.start(office, "stun", command, folder=folder, ports=[f"udp/{there.stun}:3478"])


def start_alg(border: Namespace, folder: Path, there: Office) -> Server:
    """Start the box in the border that rewrites SIP on its way to the PBX, and takes it back on the way here."""
    command = [
        sys.executable,
        "-m",
        "tests.lab.alg_box",
        str(BOXES["sip-alg"]),
        OFFICE_GATEWAY,
        next(iter(there.responders)),
    ]
    ports = [f"udp/{BOXES['sip-alg']}"]
    return servers.start(border, "alg", command, folder=folder, ports=ports, environment=PROGRAM)


def _with_few_sockets(office: Namespace, folder: Path, address: str, ports: str) -> Server:
    """Start one that has no right over the network, and do as it says: what it prints is given to nft."""
    started = _responder(office, folder, address, ports, "--few-sockets", lacks="-net_admin,-net_raw")
    started.wait()
    said = started.log.read_text("utf-8")
    office.run("nft", "-f", "-", given=said.partition("<<'END'\n")[2].partition("\nEND\n")[0] + "\n")
    return replace(started, ports=("log/served now",))


def _responder(office: Namespace, folder: Path, address: str, ports: str, *more: str, lacks: str = "") -> Server:
    command = [sys.executable, "-m", "rainbow_probe", "responder", "--bind", address, "--udp", ports]
    command += ["--tcp", "3478", "--for", "5m", "--rate", "100000", *more]
    if lacks:
        command = ["setpriv", "--bounding-set", lacks, *command]
    name = f"responder-{address}"
    return servers.start(office, name, command, folder=folder, ports=["log/ready"], environment=PROGRAM)


def _time_server(office: Namespace, folder: Path, there: Office) -> Server:
    config = folder / "chrony.conf"
    config.write_text(CHRONY.format(address=there.ntp, folder=folder), encoding="ascii")
    command = ["chronyd", "-d", "-x", "-U", "-u", "root", "-f", str(config)]
    environment = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", **clock.environment(there.ntp_clock)}
    return servers.start(office, "chronyd", command, folder=folder, ports=["udp/123"], environment=environment)


def _ssh(office: Namespace, folder: Path, address: str) -> Server:
    key = folder / "ssh-key"
    keygen = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(keygen, check=True)  # noqa: S603 - a fixed command
    Path("/run/sshd").mkdir(exist_ok=True)
    options = ["-o", f"ListenAddress={address}", "-o", f"PidFile={folder}/sshd.pid", "-o", "UsePAM=no"]
    command = ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", str(key), *options]
    return servers.start(office, "sshd", command, folder=folder, ports=["tcp/22"])
