"""Guides broken at random: the loader reads them or refuses them, and nothing else ever comes out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rainbow_probe.catalogue import CatalogueError, Guide, load
from tests.catalogue_samples import CLINIC, KINDS, Spot, at, clinic, put, remove, spots, write

EXAMPLES = settings(max_examples=70, deadline=None)
SPOTS = [spot for spot in spots(clinic()) if len(spot) > 1]
WORDS = st.sampled_from([
    "",
    "*",
    "yes",
    "udp",
    "nurse",
    "nurse/video",
    "relay",
    "1-2",
    "A.1",
    "ports",
    "\u202e",
    "é" * 300,
])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.text(st.characters(codec="utf-8"), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "flow", "way", "x"]), inner),
    max_leaves=8,
)


@pytest.fixture(name="folder", scope="module")
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


def outcome(folder: Path) -> Guide | None:
    """Load *folder*: a guide that holds together, or a refusal that names the place."""
    try:
        guide = load(folder, KINDS)
    except CatalogueError as exc:
        refusal = str(exc)
    else:
        assert_whole(guide)
        return guide
    assert refusal.startswith(str(folder))
    return None


def assert_whole(guide: Guide) -> None:
    """Nothing in *guide* points to something that is not there."""
    assert len({row.id for row in guide.rows}) == len(guide.rows) > 0
    for row in guide.rows:
        assert row.client in (guide.clients.keys() | guide.groups.keys())
        assert row.ways or row.sections or row.not_tested
        assert set(row.sections) <= {other.section for other in guide.rows}
        assert all(way.needs for way in row.ways)
        assert {need.flow for way in row.ways for need in way.needs} <= guide.flows.keys()
    for flow in guide.flows.values():
        assert flow.kind in KINDS
        assert (flow.hosts, flow.port) == ("", 0) or (flow.hosts in guide.hosts and 1 <= flow.port <= 65535)


def _mutate(files: dict[str, object], spot: Spot, how: str, value: object) -> None:
    with suppress(KeyError, IndexError, TypeError, AssertionError):  # an earlier change may have taken the place away
        if how == "replace":
            put(files, spot, value)
        elif how == "remove":
            remove(files, spot)
        elif how == "double" and isinstance(holder := at(files, spot[:-1]), list):
            holder.append(at(files, spot))
        elif how == "move":
            put(files, (*spot[:-1], "x"), at(files, spot))
            remove(files, spot)


@EXAMPLES
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(SPOTS), st.sampled_from(["replace", "remove", "double", "move"]), VALUES),
        min_size=1,
        max_size=4,
    )
)
def test_a_guide_with_changed_values(folder: Path, changes: list[tuple[Spot, str, object]]) -> None:
    """Values replaced, removed, doubled or renamed."""
    files = clinic()
    for spot, how, value in changes:
        _mutate(files, spot, how, value)
    outcome(write(folder, files))


@EXAMPLES
@given(seed=st.integers(0, 2**32), noise=st.binary(max_size=12), cut=st.integers(0, 40))
def test_a_guide_with_changed_bytes(folder: Path, seed: int, noise: bytes, cut: int) -> None:
    """Bytes cut out of a file, and others put in their place."""
    files: dict[str, object] = {path.name: path.read_bytes() for path in CLINIC.glob("*.toml")}
    choose = random.Random(seed)  # noqa: S311 - hypothesis gives the seed, so that a failure comes back
    name = choose.choice(sorted(files))
    content = files[name]
    assert isinstance(content, bytes)
    place = choose.randrange(len(content))
    files[name] = content[:place] + noise + content[place + cut :]
    outcome(write(folder, files))


@EXAMPLES
@given(content=st.binary(max_size=60) | st.text(st.characters(codec="utf-8"), max_size=60).map(str.encode))
def test_a_file_of_noise(folder: Path, content: bytes) -> None:
    """Anything at all beside a good guide."""
    outcome(write(folder, clinic() | {"noise.toml": content}))


@EXAMPLES
@given(params=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), VALUES, max_size=4))
def test_the_parameters_of_a_kind_from_elsewhere(folder: Path, params: dict[str, object]) -> None:
    """A kind the catalogue knows nothing of takes any scalars, as they are."""
    files = clinic()
    put(files, ("guide.toml", "flow", 6, "kind"), "semaphore")
    put(files, ("guide.toml", "flow", 6, "params"), params)
    with suppress(CatalogueError):
        found = load(write(folder, files), [*KINDS, "semaphore"]).flows["alarm"].params
        assert list(found) == list(params)
        assert all(isinstance(value, str | int | float | bool) for value in found.values())


def test_the_whole_small_guide_loads(folder: Path) -> None:
    """The start of all these changes is good, also as the tests write it."""
    assert outcome(write(folder, clinic())) == load(CLINIC, KINDS)
