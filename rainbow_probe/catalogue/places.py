"""Find the guides that ship with the probe."""

from __future__ import annotations

from pathlib import Path

from rainbow_probe.catalogue.fields import CatalogueError, listing

GUIDE = "guide.toml"
_PACKAGE = Path(__file__).resolve().parent.parent
_HOMES = (_PACKAGE / "probes", _PACKAGE.parent / "probes")
"""Where the wheel puts the guides, and where a checkout of the source has them."""


def builtin(name: str) -> Path:
    """Give the folder of the guide *name* that ships with the probe; refuse others, naming the known ones."""
    found = _known()
    if name not in found:
        raise CatalogueError(f"no guide {name!r} ships with the probe; known: {listing(sorted(found))}")
    return found[name]


def builtin_names() -> tuple[str, ...]:
    """Give the names of the guides that ship with the probe."""
    return tuple(sorted(_known()))


def _known() -> dict[str, Path]:
    paths = [path for home in _HOMES for path in home.glob(f"*/{GUIDE}")]
    return {path.parent.name: path.parent for path in reversed(paths)}
