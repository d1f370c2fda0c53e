"""Skips: allowed on a developer's machine, a failure in CI unless the platform itself is the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import conftest

SKIPS = {
    "a call": "import pytest\n\ndef test_it():\n    pytest.skip({reason!r})\n",
    "a mark": "import pytest\n\n@pytest.mark.skip(reason={reason!r})\ndef test_it(): pass\n",
    "a condition": "import pytest\n\n@pytest.mark.skipif(True, reason={reason!r})\ndef test_it(): pass\n",
    "a fixture": "import pytest\n\n@pytest.fixture\ndef f(): pytest.skip({reason!r})\n\ndef test_it(f): pass\n",
    "a whole file": "import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n",
}


def run_pytest(folder: Path, body: str, *arguments: str, ci: str = "") -> tuple[int, str]:
    """Run pytest on a file with *body* in *folder*, under the rules of our conftest; CI is set to *ci*."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_sample.py").write_text(body)
    environment = {**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", str(folder), *arguments]
    done = subprocess.run(  # noqa: S603 - a command of our own
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("how", SKIPS)
def test_in_ci_a_skip_is_a_failure_that_says_why(how: str, tmp_path: Path) -> None:
    """However a test is skipped, CI fails and shows the reason."""
    status, output = run_pytest(tmp_path, SKIPS[how].format(reason="no nftables"), ci="true")
    assert status != 0, output
    assert "it could have run here: no nftables" in output


@pytest.mark.parametrize("how", ["a mark", "a whole file"])
def test_in_ci_the_platform_is_an_excuse(how: str, tmp_path: Path) -> None:
    """What no installation could bring may be skipped."""
    body = SKIPS[how].format(reason="platform: Windows only") + "\n\ndef test_other(): pass\n"
    status, output = run_pytest(tmp_path, body, ci="true")
    assert status in {0, pytest.ExitCode.NO_TESTS_COLLECTED}, output
    assert "1 skipped" in output


def test_a_developer_may_skip(tmp_path: Path) -> None:
    """Without CI a missing server only skips its tests; --no-skips asks for CI's rule."""
    body = SKIPS["a call"].format(reason="no nftables")
    assert run_pytest(tmp_path, body)[0] == 0
    assert run_pytest(tmp_path, body, "--no-skips")[0] != 0


def test_an_expected_failure_is_not_a_skip(tmp_path: Path) -> None:
    """A test marked xfail did run."""
    body = "import pytest\n\n@pytest.mark.xfail\ndef test_it(): raise ValueError\n"
    status, output = run_pytest(tmp_path, body, ci="true")
    assert status == 0, output


STARVED = """
from tests import servers

tries = []

def test_it():
    tries.append(1)
    servers.STARVED.extend(["a check"] * {starved})
    assert len(tries) > {fails}
"""


@pytest.mark.parametrize(("starved", "fails", "passes"), [(1, 0, True), (1, 4, True), (1, 5, False), (0, 1, False)])
def test_a_test_that_starved_is_begun_again(starved: int, fails: int, passes: bool, tmp_path: Path) -> None:
    """A few times; one that had its time has failed."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "servers.py").write_text("STARVED = []")
    status, output = run_pytest(tmp_path, STARVED.format(starved=starved, fails=fails), ci="true")
    assert (status == 0) is passes, output


def test_the_longest_files_are_there() -> None:
    """A name that no file has would put nothing first."""
    assert {f"{name}.py" for name in conftest.LONGEST} <= {
        path.name for path in Path(__file__).parent.glob("test_*.py")
    }
