"""Run the probe at a site as a user there would, with nothing of this machine's own settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.lab import clock
from tests.lab.cloud_servers import REPOSITORY
from tests.lab.names import TURN_PASSWORD, TURN_USER
from tests.lab.netns import SYSTEM_PATH
from tests.lab.site import Site

LONGEST = 120  # seconds; a probe that takes longer hangs
WRONG_PASSWORD = "not-the-lab-password-0000"  # noqa: S105 - wrong on purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the probe ended."""

    status: int
    report: dict[str, Any]
    out: str
    err: str
    refused_logins: int = 0
    """How often in this run the proxy was sent credentials that it did not accept."""


def environment(site: Site) -> dict[str, str]:
    """Return what the site's machine has in its environment, and nothing else."""
    settings = site.scenario.probe
    found = {
        "PATH": SYSTEM_PATH,
        "HOME": str(site.folder),
        "LANG": "C.UTF-8",
        "RAINBOW_PROBE_STORE": "no",
        "PYTHONPATH": str(REPOSITORY),
        "SSL_CERT_FILE": str(site.cloud.pki.ca(*settings.trusts)),
        "RAINBOW_PROBE_TURN_PASSWORD": {"right": TURN_PASSWORD, "wrong": WRONG_PASSWORD}.get(settings.credentials, ""),
    }
    if site.scenario.http_proxy and settings.proxy:
        found["HTTPS_PROXY"] = site.scenario.http_proxy.url
    kept = {key: os.environ[key] for key in ("COVERAGE_PROCESS_START", "TERM") if key in os.environ}
    return {
        **{key: value for key, value in found.items() if value},
        **kept,
        **clock.environment(settings.clock),
        **site.kerberos,
        **settings.environment,
    }


def command(site: Site, *more: str) -> list[str]:
    """Return the command line of the probe for this site, without ``ip netns exec``; *more* comes last."""
    settings = site.scenario.probe
    user = [] if settings.credentials == "none" else ["--turn-user", TURN_USER]
    public = ["--public-ca", str(site.cloud.pki.ca("public"))]
    limits = ["--timeout", f"{settings.timeout:g}", "--quality-seconds", f"{settings.quality:g}"]
    return [sys.executable, "-m", "rainbow_probe", "run", *public, *limits, *user, *settings.arguments, *more]


def run_probe(site: Site, *more: str) -> Ended:
    """Run the probe at *site* to its end and read its report."""
    path = site.folder / "report.json"
    path.unlink(missing_ok=True)
    before = site.refused_logins()
    done = subprocess.run(  # noqa: S603 - our own command
        site.enter(*command(site, "--json", str(path), *more)),
        env=environment(site),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=site.folder,
    )
    report = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    refused = site.refused_logins() - before
    return Ended(status=done.returncode, report=report, out=done.stdout, err=done.stderr, refused_logins=refused)
