"""The oracle: what other programs than the probe experience at a site, kept in ``tests/lab/truth/SITE.json``.

``python -m tests.lab.oracle SITE... | --all`` asks headless Chromium (a web client's fetch, WebSocket and relayed
calls, with the site's proxy and certificates), curl, openssl, dig and coturn's own client, and writes what they found.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import netns, oracle_chromium, oracle_tools, probe, scenario
from tests.lab.cloud import Cloud
from tests.lab.scenario import SiteFileError
from tests.lab.site import Site

FOLDER = Path(__file__).parent / "truth"
AT_ONCE = 2  # sites
REPEATS = 3  # of a site where chance plays a part
VARIES = "varies"
Answers = dict[str, dict[str, str]]
"""By program and way out (``chromium-turn direct``), then by target (``turn-gra1.openrainbow.health:443/tls``)."""


def ask(site: Site) -> Answers:
    """Return what the other programs find at *site*, past its proxy and, if its machine uses one, through it.

    Where the machine has a PAC file Chromium is given that, too: it alone of them can follow one.
    """
    proxy = proxy_of(site)
    # Chromium does not run with a clock that only it sees.
    ways = [] if site.scenario.probe.clock else list(dict.fromkeys(("", proxy, pac_of(site))))
    with ThreadPoolExecutor() as pool:
        found = [pool.submit(oracle_tools.ask, site, proxy)]
        found += [pool.submit(oracle_chromium.ask, site, way) for way in ways]
        return {program: told for one in found for program, told in one.result().items()}


def pac_of(site: Site) -> str:
    """Return what the site's machine is told of PAC files: ``pac:`` and a URL, ``wpad``, or nothing."""
    given = " ".join(site.scenario.probe.arguments).partition("--proxy ")[2].split(" ")[0]
    return given if site.scenario.pac else ""


def proxy_of(site: Site) -> str:
    """Return the URL of the proxy that the site's machine uses, with user and password if it has them; else empty."""
    settings = probe.environment(site)
    url = settings.get("HTTPS_PROXY", "")
    user, password = (settings.get(f"RAINBOW_PROBE_PROXY_{part}", "") for part in ("USER", "PASSWORD"))
    return url.replace("://", f"://{user}:{password}@") if url and user else url


def recorded(name: str) -> Answers:
    """Return what the oracle found at the site *name* when it was last asked."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        raise SiteFileError(f"the oracle was never asked at {name}: python -m tests.lab.oracle {name}")
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        program: {target: answer for answer, targets in found.items() for target in targets.split()}
        for program, found in kept.items()
    }


def record(name: str, answers: Answers) -> None:
    """Keep the *answers* for the site *name*: by program and answer, all targets in one line."""
    kept = {
        program: {
            answer: " ".join(sorted(target for target in found if found[target] == answer)) for answer in found.values()
        }
        for program, found in answers.items()
    }
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Ask at each site of the command line and write the records; 2 where there can be no lab."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.oracle", description=__doc__.splitlines()[0])
    parser.add_argument("sites", nargs="*", choices=[*scenario.names(), []], metavar="SITE")
    parser.add_argument("--all", action="store_true", help="every site")
    options = parser.parse_args(arguments)
    if reason := netns.why_not():
        sys.stderr.write(f"{reason}\n")
        return 2
    netns.remove_stale()
    names = scenario.names() if options.all else options.sites
    with Cloud() as cloud, ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for name, answers in zip(names, pool.map(lambda pair: _at(cloud, *pair), enumerate(names, 1)), strict=True):
            record(name, answers)
            sys.stdout.write(f"{name}\n")
    return 0


def _at(cloud: Cloud, number: int, name: str) -> Answers:
    plan = scenario.load(name)
    with Site(cloud, plan, number=number) as site:
        return _agreed([ask(site) for _ in range(REPEATS if plan.noisy else 1)])


def _agreed(times: Sequence[Answers]) -> Answers:
    """Return what was answered each of several *times*; where that differs, the answer is ``VARIES``."""
    return {
        program: {target: _same(each[program][target] for each in times) for target in found}
        for program, found in times[0].items()
    }


def _same(answers: Iterable[str]) -> str:
    different = set(answers)
    return different.pop() if len(different) == 1 else VARIES


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
