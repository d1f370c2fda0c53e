"""What is in the file for support: the report in two forms, what went on step by step, versions and environment."""

from __future__ import annotations

import io
import json
import os
import platform
import ssl
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

from rainbow_probe import __version__
from rainbow_probe.bundle.inside import Json
from rainbow_probe.report import as_html
from rainbow_probe.report.from_json import loads

EARLIEST = (1980, 1, 1, 0, 0, 0)  # a zip knows no earlier time; that of the making is nobody's business
SETTINGS = (
    *("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG", "TZ"),
    *("RAINBOW_PROBE_PROXY_USER", "RAINBOW_PROBE_PROXY_PASSWORD", "RAINBOW_PROBE_TURN_PASSWORD"),
    *("RAINBOW_PROBE_ACCOUNT_PASSWORD", "RAINBOW_PROBE_APP_ID", "RAINBOW_PROBE_APP_SECRET", "RAINBOW_PROBE_DATA"),
)
"""Variables that matter to a run: whether they are set is told, and never to what."""
README = """\
What rainbow-probe found at a site, for support.

report.json       the report, as scripts read it
report.html       the same for people; open it in a browser: it asks nobody for anything
log.txt           what was done, step by step, in the order of time
versions.txt      of the probe and of what it stands on
environment.json  the machine on which this file was made; of settings only whether there are any

{told}
"""
PLAIN = "Nothing was replaced: names and addresses of the site are in it. 'bundle --redact' replaces them."
REPLACED = {
    "names": "Names of people, hosts and companies of the site were replaced by words that stand for the same thing "
    "throughout; what strangers wrote was removed. Addresses are as they were.",
    "addresses": "Names of people, hosts and companies of the site, and all addresses but public destinations, "
    "were replaced by words that stand for the same thing throughout (addresses of one /24 or /64 share their middle); "
    "what strangers wrote was removed.",
}
KEY = " Whoever made this file has the key, so that the same words stand for the same things in the next one."


def packed(report: Json, environ: Mapping[str, str], level: str = "") -> bytes:
    """Return the zip; *report* is redacted already if *level* says so."""
    text = json.dumps(report, indent=2) + "\n"
    told = REPLACED[level] + KEY if level else PLAIN
    files = {
        "README.txt": README.format(told=told),
        "report.json": text,
        "report.html": as_html.dumps(loads(text, "report")),
        "log.txt": "".join(f"{line}\n" for line in log(report)),
        "versions.txt": "".join(f"{line}\n" for line in versions()),
        "environment.json": json.dumps(environment(environ), indent=2) + "\n",
    }
    packed_ = io.BytesIO()
    with zipfile.ZipFile(packed_, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return packed_.getvalue()


def log(report: Json) -> Iterator[str]:
    """Yield what was done, a line a step; times are those within each check."""
    yield f"{report.get('started')} {report.get('verdict')} in {report.get('duration_s')} s: {report.get('summary')}"
    for check in report.get("checks", []):
        yield f"{check['id']}: {check['outcome']}: {check['reason']}"
        yield from (f"  {_step(step)}" for step in check.get("steps", []))


def _step(step: Mapping[str, Any]) -> str:
    failure = step.get("failure")
    ended = f"{failure['cause']} ({failure['detail']})" if failure else "ok"
    facts = " ".join(f"{key}={value!r}" for key, value in step.get("facts", {}).items())
    return f"+{step['at_ms']} ms {step['took_ms']} ms {step['phase']} {step['subject']}: {ended} {facts}".rstrip()


def versions() -> Iterator[str]:
    """Yield the probe's version and those of what it stands on, one a line."""
    yield f"rainbow-probe {__version__}"
    yield f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield ssl.OPENSSL_VERSION
    for needed in requires("rainbow-probe") or ():
        if "extra ==" not in needed:
            name = needed.partition("==")[0].strip()
            yield f"{name} {_installed(name)}"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"


def environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of this machine, without a name of it or of its users."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "encoding": sys.getfilesystemencoding(),
        "set": [name for name in SETTINGS if environ.get(name) or environ.get(name.lower())],
    }
