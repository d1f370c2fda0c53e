"""Makes ``docs/report.svg``: the end of the screen after a demo with a fault, as a user sees it."""  # noqa: INP001 - a script

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

FAULT, WIDTH, FROM = "udp-blocked", 92, "Findings"


def main() -> None:
    """Run the demo, and draw its last lines, from the findings on."""
    command = [str(Path(sys.executable).with_name("rainbow-probe")), "demo", "--fault", FAULT]
    environment = {
        **os.environ,
        "FORCE_COLOR": "1",
        "COLUMNS": str(WIDTH),
        "PYTHONIOENCODING": "utf-8",
        "RAINBOW_PROBE_STORE": "no",
    }
    done = subprocess.run(  # noqa: S603 - a command of our own
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        check=False,
    )
    lines = Text.from_ansi(done.stdout).split("\n")
    begin = next(number for number, line in enumerate(lines) if line.plain.startswith(FROM))
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in lines[begin:]:
        console.print(line)
    drawn = console.export_svg(title=f"rainbow-probe demo --fault {FAULT}")
    alone = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # no fonts from elsewhere
    alone = re.sub(r"<!-- .*? -->\s*", "", alone)
    Path(__file__).with_name("report.svg").write_text(alone, "utf-8")


if __name__ == "__main__":
    main()
