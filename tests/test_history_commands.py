"""The commands history, show and diff, as a user types them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.cli import main
from rainbow_probe.history.store import open_store
from rainbow_probe.model import Report, RowVerdict
from rainbow_probe.report.as_json import dumps
from tests import report_samples as samples
from tests.commands import command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give this user a data folder of its own."""
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path))
    return tmp_path


def keep(folder: Path, *reports: Report, series: str = "clinic") -> None:
    """Keep these runs."""
    with open_store(folder) as store:
        for report in reports:
            store.keep(report, series)


def test_real_runs_are_kept_listed_shown_and_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs of the demo, the second with a fault; its file and its place in the history say the same."""
    env, file = {"RAINBOW_PROBE_DATA": str(folder), "RAINBOW_PROBE_STORE": ""}, folder / "new.json"
    demo = ("demo", "--client", "pbx-agent", "--quiet", "--quality-seconds", "0")
    assert command(*demo, env=env).status in {0, 3}
    assert command(*demo, "--fault", "dns-nxdomain", "--json", str(file), env=env).status == 1
    assert main(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert "got worse" in lines[0]
    assert main(["show", "2", "--json"]) == 0
    assert capsys.readouterr().out == file.read_text("utf-8")
    assert main(["diff", "1", str(file)]) == 1
    found = capsys.readouterr().out
    assert "New findings" in found
    assert "dns-nxdomain" in found


def test_what_changed_is_in_the_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Newest first; an interrupted run says nothing of a change, and is passed over by the next one."""
    keep(folder, samples.open_site(), samples.nothing_known(), samples.broken_site())
    keep(folder, samples.open_site(), series="other")
    assert main(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["4", "3", "2", "1"]
    assert "rows got worse" in lines[1]
    assert "(interrupted)" in lines[2]
    assert "Rainbow works from here." in lines[3]
    assert main(["history", "--name", "other", "--last", "5"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_rows_that_come_and_go_are_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the list, and in a comparison of kept runs."""
    good = samples.open_site()
    bad = replace(good, rows=(replace(good.rows[0], verdict=RowVerdict.FAIL), *good.rows[1:]))
    keep(folder, good, bad, good, bad)
    assert main(["history"]) == 0
    said = capsys.readouterr().out
    assert f"Rows that come and go (in the last 20 runs)\n  {good.rows[0].id}: changed 3 times" in said
    assert main(["diff"]) == 1
    assert "[comes and goes: changed 3 times lately]" in capsys.readouterr().out


def test_which_runs_a_comparison_takes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last two of a site without words; numbers, 'last', and files in any mixture."""
    good, bad = samples.open_site(), samples.broken_site()
    keep(folder, good, bad, samples.nothing_known(), good)
    old, new = folder / "old.json", folder / "new.json"
    old.write_text(dumps(good), "utf-8")
    new.write_text(dumps(bad), "utf-8")
    for words, status, said in (
        ([], 0, "From run 2 "),
        (["1"], 0, "From run 1 "),
        (["1", "2"], 1, "From run 1 "),
        (["2", "last"], 0, "to run 4 "),
        ([str(old), str(new)], 1, f"From {old} "),
        ([str(old), "2"], 1, "to run 2 "),
        (["1", str(new)], 1, f"to {new} "),
    ):
        assert main(["diff", *words]) == status, words
        assert said in capsys.readouterr().out


def test_scripts_read_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs and changes as JSON, with ids and closed words; the exit status is the same."""
    good, bad = samples.open_site(), samples.broken_site()
    keep(folder, good, samples.nothing_known(), bad)
    assert main(["history", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], [run["id"] for run in told["runs"]]) == ("rainbow-probe/history/1", [3, 2, 1])
    last, stopped, first = told["runs"]
    assert (last["verdict"], last["site"], stopped["interrupted"], stopped["changes"]) == ("fail", "clinic", True, None)
    assert first["changes"] is None
    worse = [row.id for row in bad.rows if row.verdict is RowVerdict.FAIL]
    assert set(worse) <= set(last["changes"]["broke"])
    assert told["flaky"] == {"clinic": {}}
    assert main(["diff", "1", "3", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["worse"], told["unclear"]) == ("rainbow-probe/diff/1", True, True)
    assert (told["old"]["name"], told["new"]["verdict"]) == ("run 1", "fail")
    row = next(row for row in told["rows"] if row["id"] == worse[0])
    assert (row["change"], row["before"]["verdict"], row["after"]["verdict"]) == ("broke", "pass", "fail")
    assert [finding["id"] for finding in told["findings"]["new"]] == [finding.id for finding in bad.findings]
    assert told["quality"] == told["findings"]["gone"] == told["only_old"] == told["only_new"] == []


def test_the_past_in_french(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By option or locale: the list, a run, and what changed."""
    good, bad = samples.open_site(), samples.broken_site()
    keep(folder, good, bad, good, bad, samples.nothing_known())
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert main(["history"]) == 0
    said = capsys.readouterr().out
    assert "lignes se sont dégradées" in said
    assert "(interrompue)" in said
    assert "Lignes instables (sur les 20 dernières exécutions)" in said
    assert main(["diff", "3", "4"]) == 1
    said = capsys.readouterr().out
    for part in ("De run 3 (", "réussi", "Moins bien qu'avant : ", "Nouveaux constats (4)", "qui gère le pare-feu"):
        assert part in said, part
    assert main(["show", "4"]) == 0
    assert "Qui doit agir" in capsys.readouterr().out
    assert main(["show", "4", "--lang", "en"]) == 0
    assert "Who acts" in capsys.readouterr().out
    assert main(["history", "--lang", "xx"]) == 2


def test_a_run_is_shown_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest, or the one of that number, on the screen."""
    keep(folder, samples.broken_site(), samples.open_site())
    assert main(["show"]) == 0
    assert "Rainbow works from here." in capsys.readouterr().out
    assert main(["show", "1", "--no-color"]) == 0
    assert "outbound UDP is blocked" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show"], "no run is kept yet"),
        (["show", "7"], "run '7': there is none; 'rainbow-probe history' has them"),
        (["show", "seven"], "run 'seven': there is none"),
        (["show", "9" * 40], "there is none"),
        (["diff"], "no run is kept yet"),
        (["diff", "nofile.json", "nofile.json"], "nofile.json: No such file or directory"),
        (["run", "--keep-runs", "0"], "--keep-runs: 0 is out of range; allowed are 1 to"),
        (["run", "--keep-days", "-1"], "--keep-days: -1 is out of range; allowed are 1 to"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_is_told(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    """With what is allowed, or where to look."""
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_runs_that_cannot_be_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first one of a site has nothing before it, and other guides have other rows."""
    keep(folder, samples.open_site())
    keep(folder, replace(samples.open_site(), guide_id="other"), series="other")
    assert main(["diff"]) == 2
    assert "run 2 is the first one of 'other': there is nothing to compare it with" in capsys.readouterr().err
    assert main(["diff", "1", "2"]) == 2
    assert "their rows are not the same" in capsys.readouterr().err


def test_nothing_is_kept_yet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty history says how it fills, and a folder that cannot be used is told."""
    assert main(["history"]) == 0
    assert "no run is kept yet: 'rainbow-probe run' keeps what it finds" in capsys.readouterr().out
    (folder / "history.sqlite3").write_bytes(b"no database" * 100)
    assert main(["history"]) == 2
    assert "history.sqlite3" in capsys.readouterr().err


def test_the_json_that_is_shown_is_the_one_that_was_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte for byte, so that other programs read it as any report."""
    keep(folder, samples.broken_site())
    assert main(["show", "last", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"
