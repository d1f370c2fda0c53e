"""Writes the pages that come from the probe's own explanations: ``python -m docs.pages``, or ``make docs``."""  # noqa: INP001 - a script

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rainbow_probe.explanations import FINDINGS, OWN, STAGES, Stage, Why
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.sitefile.example import table

HERE = Path(__file__).parent
INTRODUCTION = """\
# Failures

A check that fails names the **phase** in which it failed and the **cause**: in the report,
`failure: {phase, cause, detail}`. Both are closed lists. A cause is read from error codes, verification codes and the
bytes that came back, never from the text of an error. The first phase that fails is the diagnosis: what comes after it
was not reached.

Every step has its own time limit, and a `timeout` is only said of a step that had its whole limit. A check that fails
on one address of a name and works on another passes, as a client would, and the report names the dead address.

`rainbow-probe explain PHASE/CAUSE` says the same on the terminal. This page is made by `make docs`.

## Any phase

These say nothing certain of the network. A check that ends so is *inconclusive*, never failed.
"""
SITE_FILE = """\
# The site file

`rainbow-probe run --site FILE.toml` takes the settings of a site from a file, so that each run there, by hand or on a
schedule, is the same. It is [TOML](https://toml.io). The command line wins over the file. A key that does not exist is
refused, and so is a value of another shape; the message names the file, the key and what is allowed.

```
rainbow-probe site --example > clinic.toml     # every key, explained and commented out
rainbow-probe site clinic.toml                 # is it right, and are the passwords there?
```

**A password never stands in the file**, only a reference to where it is kept:

| reference | what it is |
|---|---|
| `{ env = "NAME" }` | the environment variable of that name |
| `{ file = "PATH" }` | the first line of a file; a relative path is meant from the site file's folder |
| `{ keyring = "SERVICE", user = "NAME" }` | the system's own store; needs the extra `rainbow-probe[keyring]` |

This page is made by `make docs`.

"""
CAUSES = "| cause | what it means | usual reason | what to do |\n|---|---|---|---|\n"
TABLE = r"(?<=\| {} \|\n\|---\|---\|\n)(?:\|.*\n)*"


def failures() -> str:
    """Return ``docs/failures.md``."""
    return "\n".join([INTRODUCTION, _table(OWN), *(_section(stage) for stage in STAGES.values())])


def _section(stage: Stage) -> str:
    return f"## {stage.phase}\n\n{stage.about}\n\n{_table(stage.causes)}"


def _table(causes: Mapping[str, Why]) -> str:
    return CAUSES + "".join(f"| `{cause}` | {why.means} | {why.usual} | {why.do} |\n" for cause, why in causes.items())


def verdicts(page: str) -> str:
    """Return ``docs/verdicts.md``, now *page*, with its tables of kinds and of findings made anew."""
    kinds = {name: kind.passes for name, kind in KINDS.items()}
    seen = {name: why.means for name, why in FINDINGS.items()}
    return _filled(_filled(page, r"kind \| passes when", kinds), r"finding \| what was seen", seen)


def _filled(page: str, head: str, lines: Mapping[str, str]) -> str:
    table = "".join(f"| `{name}` | {text} |\n" for name, text in lines.items())
    return re.sub(TABLE.format(head), lambda _: table, page, count=1)


def pages() -> dict[Path, str]:
    """Return what each page should be."""
    told = HERE / "verdicts.md"
    return {
        HERE / "failures.md": failures(),
        HERE / "site-file.md": SITE_FILE + table(),
        told: verdicts(told.read_text("utf-8")),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
