"""The wheel is whole: it works away from the checkout, with the catalogue inside."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from rainbow_probe import __version__

ROOT = Path(__file__).parent.parent
SCRIPTS = "Scripts" if sys.platform == "win32" else "bin"


def run(*command: str | Path, cwd: Path) -> str:
    """Run *command* in *cwd*, without Python settings such as PYTHONPATH; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(  # noqa: S603 - a command of our own
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout; no network is needed for it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an empty environment, and lend it our dependencies, but not the checkout.

    A path in a .pth file is added as it stands: the .pth of our own editable install is not read.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / SCRIPTS / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q", wheel, cwd=folder)
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / SCRIPTS


def test_the_wheel_carries_the_catalogue_and_the_licence(wheel: Path) -> None:
    """Every file of probes/ is inside; tests, docs and benchmarks are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    probes = {f"rainbow_probe/{file.relative_to(ROOT)}" for file in (ROOT / "probes").rglob("*.toml")}
    assert probes
    assert probes <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {"rainbow_probe/report/templates/report.html.j2", "rainbow_probe/language/fr.po"} <= names
    assert {name.split("/")[0] for name in names} == {"rainbow_probe", f"rainbow_probe-{__version__}.dist-info"}


def test_the_package_comes_from_the_wheel(scripts: Path, tmp_path: Path) -> None:
    """The test would prove nothing if the checkout were imported."""
    found = run(scripts / "python", "-c", "import rainbow_probe; print(rainbow_probe.__file__)", cwd=tmp_path)
    assert Path(found.strip()).is_relative_to(scripts.parent)


@pytest.mark.parametrize("command", [["rainbow-probe"], ["python", "-m", "rainbow_probe"]])
def test_the_command_tells_its_version(scripts: Path, tmp_path: Path, command: list[str]) -> None:
    """The command and the module are the same program."""
    assert __version__ in run(scripts / command[0], *command[1:], "--version", cwd=tmp_path)


def test_the_installed_command_lists_the_guide(scripts: Path, tmp_path: Path) -> None:
    """From another folder, the catalogue inside the wheel is found."""
    assert "desktop/https" in run(scripts / "rainbow-probe", "list", cwd=tmp_path)
