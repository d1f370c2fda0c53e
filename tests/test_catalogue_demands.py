"""What rows ask of the line, as a guide says it: read strictly, as all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rainbow_probe.catalogue import CatalogueError, DemandSpec, load
from tests.catalogue_samples import KINDS, clinic, write

TABLE: dict[str, object] = {"per": "subscribers", "medium": "agents", "unit": "kB/s", "points": ["20: 26", "100: 80.5"]}
EACH: dict[str, object] = {"per": "calls", "medium": "chat", "unit": "kbit/s", "out": 12.5}


def read(folder: Path, demand: dict[str, object]) -> DemandSpec | None:
    """Load the small guide with that *demand* in its row nurse/chat."""
    files = clinic()
    rows = files["rows.toml"]
    assert isinstance(rows, dict)
    row = next(one for one in rows["row"] if one["id"] == "nurse/chat")
    row["demand"] = demand
    write(folder / "guide", files)
    return next(one.demand for one in load(folder / "guide", KINDS).rows if one.id == "nurse/chat")


def test_a_demand_is_read(tmp_path: Path) -> None:
    """Rates of each one, or a table."""
    assert read(tmp_path, EACH) == DemandSpec(per="calls", medium="chat", unit="kbit/s", out=12.5)
    table = read(tmp_path, {**TABLE, "burst": True})
    assert table is not None
    assert (table.points, table.burst) == (((20.0, 26.0), (100.0, 80.5)), True)


@pytest.mark.parametrize(
    ("demand", "complaint"),
    [
        ({**EACH, "per": "beds"}, "per: 'beds' is not allowed; allowed: calls, video"),
        ({**EACH, "unit": "Mbit/s"}, "unit: 'Mbit/s' is not allowed; allowed: kbit/s, kB/s"),
        ({**EACH, "out": 12}, "out: must be"),
        ({**EACH, "out": -1.0}, "out: -1.0 is no rate"),
        ({**EACH, "colour": "red"}, "unknown key 'colour'"),
        ({**EACH, "points": ["20: 26"]}, "either points, or out and into"),
        ({key: value for key, value in EACH.items() if key != "out"}, "either points, or out and into"),
        ({**TABLE, "points": ["100: 80", "20: 26"]}, "the numbers must rise"),
        ({**TABLE, "points": ["20 26"]}, "'20 26' is no point; allowed: NUMBER: RATE"),
        ({**TABLE, "points": ["20: nan"]}, "'20: nan' is no point"),
        ({**TABLE, "points": ["x: 3"]}, "'x: 3' is no point"),
    ],
)
def test_a_wrong_demand_is_refused(tmp_path: Path, demand: dict[str, object], complaint: str) -> None:
    """With the row, and what is allowed."""
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, demand)
    assert complaint in str(caught.value)
    assert "row nurse/chat" in str(caught.value)


def test_only_what_is_tested_has_a_demand(tmp_path: Path) -> None:
    """A row that nothing judges needs no numbers."""
    files = clinic()
    rows = files["rows.toml"]
    assert isinstance(rows, dict)
    next(one for one in rows["row"] if one["id"] == "site/beds")["demand"] = EACH
    write(tmp_path / "guide", files)
    with pytest.raises(CatalogueError, match="only a row that is judged by way has a demand"):
        load(tmp_path / "guide", KINDS)
