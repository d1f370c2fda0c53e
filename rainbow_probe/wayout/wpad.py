"""Automatic detection (WPAD): where clients look for a PAC file that no setting names.

Chromium asks DHCP (option 252) on Windows, and DNS for the name ``wpad`` everywhere; the system's search list makes it
``wpad.`` and the site's domain. A name that takes longer than a second to look up is given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import Mapping

from rainbow_probe.model import PeerError
from rainbow_probe.net.names import Names
from rainbow_probe.site.tools import output_of

NAME = "wpad"
BY_NAME = f"http://{NAME}/wpad.dat"
QUICK = 2.0  # seconds; Chromium's own is one (net/proxy_resolution/pac_file_decider.cc), and machines may be busy
INTERFACES = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
OPTION = 252  # RFC 3679 took note of its use
_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)


async def detected(names: Names, environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the address of the PAC file that this network offers; empty if it offers none."""
    if found := from_dhcp(environ, platform):
        return found
    try:
        async with asyncio.timeout(QUICK):
            await names.find(NAME)
    except (PeerError, TimeoutError):
        return ""
    return BY_NAME


def from_dhcp(environ: Mapping[str, str], platform: str) -> str:
    """Return what DHCP said, on systems whose clients listen to it; elsewhere nothing."""
    if platform == "darwin":
        return parse_option(output_of("ipconfig", "getoption", "", str(OPTION), environ=environ).encode())
    if platform == "win32":
        return next((url for blob in read_registry() if (url := parse_interface(blob))), "")
    return ""


def read_registry() -> list[bytes]:
    """Return what Windows keeps of the DHCP answers of each interface; empty on other systems."""
    blobs: list[bytes] = []
    if sys.platform == "win32":
        # pyright and mypy see this part on Windows only.
        import winreg

        with contextlib.suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, INTERFACES) as key:
            for number in range(winreg.QueryInfoKey(key)[0]):
                with contextlib.suppress(OSError), winreg.OpenKey(key, winreg.EnumKey(key, number)) as interface:
                    value, _ = winreg.QueryValueEx(interface, "DhcpInterfaceOptions")
                    blobs += [value] if isinstance(value, bytes) else []
    return blobs


def parse_interface(blob: bytes) -> str:
    """Read ``DhcpInterfaceOptions``: entries of code, class, length, vendor, expiry (4 bytes each), and padded data."""
    at = 0
    while at + 20 <= len(blob):
        code, _, size = (int.from_bytes(blob[at + 4 * n : at + 4 * n + 4], "little") for n in range(3))
        if code == OPTION:
            return parse_option(blob[at + 20 : at + 20 + size])
        at += 20 + (size + 3) // 4 * 4
    return ""


def parse_option(data: bytes) -> str:
    """Return the URL in the option, which many servers end with a zero or a line feed; empty if there is none."""
    text = data.decode("latin-1").strip("\0\r\n\t ")
    return text if _URL.fullmatch(text) else ""
