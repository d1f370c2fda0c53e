"""Windows: the "Internet Settings" of the registry, as browsers and WinINet use them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from rainbow_probe.site.bypass import exact, patterns
from rainbow_probe.site.settings import Candidate, Declared, candidates

WHERE = "Windows settings"
SETTINGS = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
POLICY = r"Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings"
CONNECTION = "DefaultConnectionSettings"
_FLAGS_AT = 8  # after the structure's version and a counter of changes, 4 bytes each
_DETECT = 0x08  # "Automatically detect settings"


def read_registry() -> Mapping[str, object]:
    """Return the values that ``parse_registry`` wants; empty on other systems."""
    if sys.platform != "win32":
        return {}
    # pyright and mypy see this part on Windows only.
    import winreg

    per_machine = _values(winreg.HKEY_LOCAL_MACHINE, POLICY).get("ProxySettingsPerUser") == 0
    hive = winreg.HKEY_LOCAL_MACHINE if per_machine else winreg.HKEY_CURRENT_USER
    return {**_values(hive, rf"{SETTINGS}\Connections"), **_values(hive, SETTINGS)}


def _values(hive: int, path: str) -> dict[str, object]:
    """Return all values of a key of the registry; empty where there is no such key."""
    found: dict[str, object] = {}
    if sys.platform == "win32":
        import winreg

        try:
            with winreg.OpenKey(hive, path) as key:
                for number in range(winreg.QueryInfoKey(key)[1]):
                    name, value, _ = winreg.EnumValue(key, number)
                    found[name] = value
        except OSError:
            return found
    return found


def parse_registry(values: Mapping[str, object]) -> Declared:
    """Return what the values of the key say; a value of a strange type is as good as none."""
    enabled = values.get("ProxyEnable") == 1
    return Declared(
        where=WHERE,
        proxies=_proxies(_text(values, "ProxyServer")) if enabled else (),
        bypass=_bypass(_text(values, "ProxyOverride")) if enabled else (),
        pac=_text(values, "AutoConfigURL"),
        detection=_detects(values.get(CONNECTION)),
    )


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    return value.strip().strip("\0") if isinstance(value, str) else ""


def _proxies(server: str) -> tuple[Candidate, ...]:
    """Read ``proxy:8080``, or ``http=a:80;https=b:81;socks=c:1080``."""
    if "=" not in server:
        return (Candidate(where=WHERE, url=server),) if server else ()
    pairs = (entry.partition("=") for entry in re.split(r"[;\s]+", server))
    given = {scheme.lower(): url for scheme, _, url in pairs if url}
    socks = given.get("socks", "")
    older = socks if "://" in socks or not socks else f"socks4://{socks}"  # version 4 without a word, as in Chromium
    return candidates(WHERE, https=given.get("https", ""), http=given.get("http", ""), socks=older)


def _bypass(override: str) -> tuple[str, ...]:
    """Translate the exceptions; those of other schemes than https do not concern CONNECT."""
    entries = (entry.lower() for entry in patterns(override))
    bare = [entry.removeprefix("https://") for entry in entries]
    return tuple(exact(entry) for entry in bare if "://" not in entry)


def _detects(connection: object) -> bool:
    return isinstance(connection, bytes) and len(connection) > _FLAGS_AT and bool(connection[_FLAGS_AT] & _DETECT)
