"""Writes a small guide for a benchmark: groups of hosts, one flow a group, one row that needs them all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HEAD = """\
id = "benchmark"
edition = "1"
title = "Flows to measure"
published = 2026-01-01
[clients.all]
title = "All"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Hosts on which the same flow is tried."""

    id: str
    kind: str
    hosts: tuple[str, ...]
    port: int
    transport: str
    issuer: str = "public"
    params: str = "{}"
    """As a TOML inline table."""


def write(folder: Path, groups: Iterable[Group]) -> Path:
    """Write the guide of *groups* into *folder*, to be given as ``--guide``."""
    folder.mkdir(exist_ok=True)
    groups = list(groups)
    hosts = "".join(
        f'[hosts.{g.id}]\npurpose = "benchmark"\nissuer = "{g.issuer}"\nnames = {json.dumps(g.hosts)}\n' for g in groups
    )
    flows = "".join(
        f'[[flow]]\nid = "{g.id}"\nkind = "{g.kind}"\nhosts = "{g.id}"\nport = {g.port}\n'
        f'transport = "{g.transport}"\nproxy = "no"\nparams = {g.params}\n'
        for g in groups
    )
    needs = ", ".join(f'{{ flow = "{g.id}" }}' for g in groups)
    row = (
        '[[row]]\nid = "all/flows"\nsection = "1"\ntitle = "All flows"\nneed = "mandatory"\nprotocol = "any"\n'
        f'source = "any"\ndestination = "any"\nproxy = "no"\n[[row.way]]\nname = "all"\nneeds = [{needs}]\n'
    )
    (folder / "guide.toml").write_text(HEAD + hosts)
    (folder / "flows.toml").write_text(flows)
    (folder / "rows.toml").write_text(row)
    return folder
