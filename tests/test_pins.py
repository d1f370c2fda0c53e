"""Dependencies are pinned to the last one, without recording any host."""

from __future__ import annotations

import tomllib
from importlib.metadata import requires as requirements
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIRECT: list[str] = [
    *PROJECT["project"]["dependencies"],
    *PROJECT["project"]["optional-dependencies"]["dev"],
    *PROJECT["build-system"]["requires"],
]
APART: list[str] = PROJECT["project"]["optional-dependencies"]["fuzz"]
INDIRECT = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINS = {canonicalize_name(Requirement(pin).name): pin for pin in [*DIRECT, *INDIRECT]}


@pytest.mark.parametrize("pin", [*DIRECT, *APART, *INDIRECT])
def test_a_pin_is_one_version_and_no_address(pin: str) -> None:
    """Exactly one version, from whatever index the machine uses."""
    read = Requirement(pin)
    assert read.url is None
    assert [clause.operator for clause in read.specifier] == ["=="]
    assert "*" not in pin


def test_nothing_is_installed_that_is_not_pinned() -> None:
    """What the dependencies bring along has its pin too, and that is the version in use."""
    seen: set[str] = set()
    waiting = [Requirement(pin) for pin in DIRECT]
    while waiting:
        needed = waiting.pop()
        name = canonicalize_name(needed.name)
        assert name in PINS, f"{name} is not pinned"
        assert Requirement(PINS[name]).specifier.contains(version(name)), f"{PINS[name]}, installed is {version(name)}"
        if name not in seen:
            seen.add(name)
            waiting += [more for more in map(Requirement, requirements(name) or ()) if applies(more, needed.extras)]


def applies(needed: Requirement, extras: set[str]) -> bool:
    """Tell whether *needed* is needed here, by a package that was asked for with *extras*."""
    marker = needed.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras or {""})
