"""What stays on the LAN, through a real firewall between two of its networks: responders, a PBX and a time server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.commands import environment
from tests.lab import netns, servers, wiring
from tests.lab.cloud_servers import PROGRAM
from tests.lab.netns import Namespace

HERE, BORDER = "198.19.1.10", ("198.19.1.1", "198.19.2.1")
CLIENT, GATEWAY, MEDIA, PBX, NOBODY = (f"198.19.2.{last}" for last in (2, 3, 4, 5, 6))
SERVED = {CLIENT: "3478,49152-65535", GATEWAY: "3478,20000-29999", MEDIA: "3478,5060,30000-40000"}
RULES = f"""
table inet lan {{
  chain forwarding {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "far" udp sport 40000 udp dport 30000-33999 accept
    iifname "far" udp sport 5060 udp dport 5060 accept
    iifname "far" counter drop comment "in"
    ip daddr {GATEWAY} udp dport 24000-25999 counter drop comment "parts"
    ip daddr {GATEWAY} udp dport 29000-29009 counter reject with icmpx admin-prohibited comment "rejected"
    accept
  }}
}}
"""
"""Out all but parts of the gateway's range; in only what begins at the right port, and to parts of the range."""
OWN_RULES = f"""
table inet own {{
  chain outgoing {{
    type filter hook output priority filter;
    ip daddr {GATEWAY} udp dport 27000-27004 counter drop
  }}
}}
"""
"""What this machine itself does not let out: Linux tells the program that sends (EPERM)."""
SIPP = Path(__file__).parent / "data" / "sipp-options.xml"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the probe once in the gateway's network, with all others behind the firewall."""
    if reason := netns.why_not() or _missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("lan")
    with ExitStack() as stack:
        near, border, far = (_namespace(stack, role) for role in ("near", "border", "far"))
        _connect(near, border, far)
        border.run("nft", "-f", "-", given=RULES)
        near.run("nft", "-f", "-", given=OWN_RULES)
        running = [_responder(far, address, folder) for address in SERVED]
        running += [_pbx(far, folder), _time_server(far, folder)]
        for server in running:
            stack.callback(server.stop)
        for server in running:
            server.wait()
        yield _probe(near, folder)


def _missing() -> str:
    gone = [name for name in ("sipp", "chronyd") if shutil.which(name, path=netns.SYSTEM_PATH) is None]
    return f"not installed: {', '.join(gone)} (run tests/setup.sh)" if gone else ""


def _namespace(stack: ExitStack, role: str) -> Namespace:
    namespace = Namespace(f"lan-{role}")
    stack.callback(namespace.delete)
    return namespace


def _connect(near: Namespace, border: Namespace, far: Namespace) -> None:
    border.sysctl("net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
    wiring.cable(border, "near", near, "eth0")
    wiring.cable(border, "far", far, "eth0")
    wiring.plug(border, "near", f"{BORDER[0]}/24")
    wiring.plug(border, "far", f"{BORDER[1]}/24")
    wiring.plug(near, "eth0", f"{HERE}/24", gateway=BORDER[0])
    wiring.plug(far, "eth0", *(f"{one}/24" for one in (CLIENT, GATEWAY, MEDIA, PBX, NOBODY)), gateway=BORDER[1])
    near.resolver(BORDER[0], options=["timeout:1", "attempts:1"])


def _responder(far: Namespace, address: str, folder: Path) -> servers.Server:
    command = [sys.executable, "-m", "rainbow_probe", "responder", "--bind", address, "--udp", SERVED[address]]
    command += ["--tcp", "3478", "--for", "5m", "--rate", "100000"]
    return servers.start(far, f"responder-{address}", command, folder=folder, ports=["log/ready"], environment=PROGRAM)


def _pbx(far: Namespace, folder: Path) -> servers.Server:
    command = ["sipp", "-sf", str(SIPP), "-i", PBX, "-p", "5060", "-nostdin", "-m", "99"]
    return servers.start(far, "sipp", command, folder=folder, ports=["udp/5060"])


def _time_server(far: Namespace, folder: Path) -> servers.Server:
    config = folder / "chrony.conf"
    text = (
        f"bindaddress {PBX}\nallow 198.19.0.0/16\nlocal stratum 4\ncmdport 0\nbindcmdaddress /\npidfile {folder}/pid\n"
    )
    config.write_text(text, encoding="ascii")
    command = ["chronyd", "-d", "-x", "-U", "-u", "root", "-f", str(config)]
    return servers.start(far, "chronyd", command, folder=folder, ports=["udp/123"])


def _probe(near: Namespace, folder: Path) -> dict[str, Any]:
    rows = ["desktop/p2p-lan", "desktop/softphone-lan"]
    rows += [f"webrtc-gateway/{one}" for one in ("sip-*", "rtp-*-pbx", "rtp-from-phones", "ntp", "ssh")]
    peers = [f"client={CLIENT}", f"gateway={GATEWAY}", f"pbx={MEDIA}", f"phones={NOBODY}"]
    command = [sys.executable, "-m", "rainbow_probe", "run", "--json", "-", "--timeout", "3", "--proxy", "none"]
    command += [word for row in rows for word in ("--only", row)]
    command += [word for peer in peers for word in ("--peer", peer)]
    command += ["--pbx", PBX, "--ntp", PBX, "--gateway", PBX]
    done = subprocess.run(  # noqa: S603 - our own command
        near.enter(*command), env=environment(), capture_output=True, text=True, timeout=120, check=False, cwd=folder
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


BUSY = ("with each repetition", "could listen for", "was not heard all the time")
"""What a probe says that had no time: nothing of the network then, and nothing wrong."""


def row(report: dict[str, Any], name: str, wanted: str) -> bool:
    """See that a row has come to what is *wanted*; False if the machine was too busy to tell."""
    found = next(one for one in report["rows"] if one["id"] == name)
    if found["verdict"] == "inconclusive" and any(word in found["reason"] for word in BUSY):
        return False
    assert found["verdict"] == wanted, found
    return True


def survey(report: dict[str, Any], check: str) -> list[tuple[int, int, str]]:
    """Return the intervals that a check has measured."""
    found = next(one for one in report["checks"] if one["id"].startswith(check))
    return [(one["first"], one["last"], one["state"]) for one in found["measured"]["intervals"]]


def test_open_ranges_pass(report: dict[str, Any]) -> None:
    """Every port of them answered."""
    row(report, "webrtc-gateway/rtp-to-pbx", "pass")
    if row(report, "desktop/p2p-lan", "pass"):
        assert survey(report, f"sweep/{CLIENT}:49152/udp/direct/to-65535") == [(49152, 65535, "open")]


def test_what_the_firewall_drops_and_rejects_is_closed_and_nothing_else(report: dict[str, Any]) -> None:
    """The intervals are those of the rule set; the finding names them, and who rejects."""
    if not row(report, "desktop/softphone-lan", "fail"):
        return
    assert survey(report, f"sweep/{GATEWAY}:20000") == [
        (20000, 23999, "open"),
        (24000, 25999, "closed"),
        (26000, 26999, "open"),
        (27000, 27004, "closed"),
        (27005, 28999, "open"),
        (29000, 29009, "closed"),
        (29010, 29999, "open"),
    ]
    found = next(one for one in report["findings"] if one["rows"] == ["desktop/softphone-lan"])
    assert found["id"].startswith("lan-ports-partly")
    assert "24000-25999, 27000-27004, 29000-29009" in found["title"]
    assert f"rejected by {BORDER[0]}, this machine" in found["title"]


def test_what_may_go_out_and_not_come_in_is_told_apart(report: dict[str, Any]) -> None:
    """The firewall lets in parts of the range, and SIP: from the right ports, without being asked."""
    row(report, "webrtc-gateway/sip-in", "pass")
    if row(report, "webrtc-gateway/rtp-from-pbx", "fail"):
        assert survey(report, f"sweep-in/{MEDIA}:30000") == [(30000, 33999, "open"), (34000, 40000, "closed")]
        found = next(one for one in report["findings"] if one["rows"] == ["webrtc-gateway/rtp-from-pbx"])
        assert f"from {MEDIA} to this machine" in found["title"]


def test_the_servers_answer(report: dict[str, Any]) -> None:
    """Sipp from UDP/5060, and chrony with its stratum."""
    row(report, "webrtc-gateway/ntp", "pass")
    if row(report, "webrtc-gateway/sip-out", "pass"):
        check = next(one for one in report["checks"] if one["kind"] == "sip")
        facts = next(step["facts"] for step in check["steps"] if step["phase"] == "sip")
        assert (facts["local_port"], facts["rewritten"]) == (5060, "")


def test_nobody_there_is_not_a_closed_network(report: dict[str, Any]) -> None:
    """No responder runs at the phones' place; no SSH server either, and that is told as it was seen."""
    row(report, "webrtc-gateway/rtp-from-phones", "inconclusive")
    row(report, "webrtc-gateway/ssh", "fail")
    known = {"lan-ports-partly", "lan-ports-partly-more", "lan-ssh-fails"}
    assert {one["id"] for one in report["findings"] if one["id"].startswith("lan-")} <= known
