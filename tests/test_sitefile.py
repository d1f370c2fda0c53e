"""The site file: what it may hold, what is refused, and where its passwords are kept."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from rainbow_probe.arguments import parser
from rainbow_probe.commands import read_options
from rainbow_probe.model import Credentials
from rainbow_probe.options import UsageError
from rainbow_probe.sitefile import Reference, example, looked_up, read_site_file, resolved
from rainbow_probe.sitefile.schema import KEYS, SECTIONS
from tests.commands import command

PASSWORD = "s3sam-open-7"  # noqa: S105 - planted, and searched for


def written(folder: Path, text: str) -> str:
    """Write a site file into *folder*; returns its path."""
    file = folder / "site.toml"
    file.write_text(text, "utf-8")
    return str(file)


def test_the_keys_are_read_by_section(tmp_path: Path) -> None:
    """Numbers become what the command line makes of them."""
    text = 'proxy = "none"\nturn = ["turn:a"]\ntimeout = 5\nlabels = { a = "b" }\n[load]\nusers = 200\n'
    assert read_site_file(written(tmp_path, text)) == {
        "proxy": "none",
        "turn": ["turn:a"],
        "timeout": 5.0,
        "labels": {"a": "b"},
        "load.users": 200,
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("proxi = 1", "unknown key 'proxi'; did you mean 'proxy'?"),
        ("[load]\nuser = 1", "unknown key 'load.user'; did you mean 'load.users'?"),
        ("[load]\nthings = 1", "allowed in [load] are calls, "),
        ("[lode]\nusers = 1", ", [load]"),
        ("load = 3", "unknown key 'load'"),
        ('"" = {}', "unknown key ''"),
        ("proxy = 1", "proxy must be a string"),
        ("turn = 'turn:a'", "turn must be a list of strings"),
        ("turn = [1]", "turn must be a list of strings"),
        ("labels = { a = 1 }", "labels must be a table of strings"),
        ("timeout = true", "timeout must be a number"),
        ("timeout = 'long'", "timeout must be a number"),
        ("[load]\nusers = -1", "load.users must be a whole number"),
        ("[load]\nusers = 1.5", "load.users must be a whole number"),
        ("proxy = ", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
    ],
)
def test_a_wrong_site_file_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """The message names the file, the key, and what is allowed."""
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=re.escape(named)) as caught:
        read_site_file(path)
    assert str(caught.value).startswith(f"--site {path}: ")


def test_a_file_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    """Missing, binary, or without an end."""
    with pytest.raises(UsageError, match="No such file"):
        read_site_file(str(tmp_path / "none.toml"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not TOML"):
        read_site_file(str(tmp_path / "binary.toml"))
    (tmp_path / "long.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(UsageError, match="no site file"):
        read_site_file(str(tmp_path / "long.toml"))


@pytest.mark.parametrize(
    "value",
    [
        f'"{PASSWORD}"',
        f'["{PASSWORD}"]',
        "{}",
        f'{{ password = "{PASSWORD}" }}',
        f'{{ env = "A", file = "{PASSWORD}" }}',
        f'{{ env = "A", user = "{PASSWORD}" }}',
        f'{{ keyring = "{PASSWORD}" }}',
        '{ env = "" }',
        "{ env = 1 }",
        f'{{ file = "a", more = ["{PASSWORD}"] }}',
    ],
)
def test_a_password_is_a_reference_or_refused_and_never_repeated(tmp_path: Path, value: str) -> None:
    """Whoever writes one into the file by mistake does not find it in a log."""
    with pytest.raises(UsageError, match="turn_password must be a reference") as caught:
        read_site_file(written(tmp_path, f"turn_password = {value}"))
    assert PASSWORD not in str(caught.value)
    assert "no place in the file" in str(caught.value)


def reference(tmp_path: Path, value: str) -> Reference:
    """Read one reference from a site file."""
    found: object = read_site_file(written(tmp_path, f"turn_password = {value}"))["turn_password"]
    assert isinstance(found, Reference)
    return found


def test_a_variable_and_a_file_keep_secrets(tmp_path: Path) -> None:
    """A relative path is meant from the site file's folder, wherever the probe is started."""
    (tmp_path / "kept").write_text(f"{PASSWORD}\nmore", "utf-8")
    assert resolved(reference(tmp_path, '{ file = "kept" }'), {}) == PASSWORD
    assert resolved(reference(tmp_path, '{ env = "KEPT" }'), {"KEPT": PASSWORD}) == PASSWORD
    assert looked_up(reference(tmp_path, '{ env = "KEPT" }'), {"KEPT": ""}) is None
    with pytest.raises(UsageError, match=r"turn_password: nothing is kept there: variable KEPT"):
        resolved(reference(tmp_path, '{ env = "KEPT" }'), {})
    with pytest.raises(UsageError, match="No such file"):
        resolved(reference(tmp_path, '{ file = "gone" }'), {})


class Memory(KeyringBackend):
    """A store of passwords as any other, but in memory; it may be locked."""

    priority = 1
    kept: dict[tuple[str, str], str]
    locked = False

    def __init__(self) -> None:
        """Begin empty."""
        self.kept = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept."""
        if self.locked:
            raise KeyringLocked(PASSWORD)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Forget it."""
        del self.kept[service, username]


@pytest.fixture
def store() -> Iterator[Memory]:
    """Make a store in memory the system's own for one test."""
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_the_keyring_keeps_secrets(tmp_path: Path, store: Memory) -> None:
    """Asked through the real library; a locked one is told without its words."""
    kept = reference(tmp_path, '{ keyring = "rainbow", user = "me" }')
    assert looked_up(kept, {}) is None
    keyring.set_password("rainbow", "me", PASSWORD)
    assert resolved(kept, {}) == PASSWORD
    assert PASSWORD not in repr(kept) + str(kept)
    store.locked = True
    with pytest.raises(UsageError, match="cannot be asked \\(KeyringLocked\\)") as caught:
        resolved(kept, {})
    assert PASSWORD not in str(caught.value)


def test_without_the_keyring_library_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional, and only who refers to a keyring needs it."""
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(UsageError, match=re.escape("rainbow-probe[keyring]")):
        resolved(reference(tmp_path, '{ keyring = "rainbow", user = "me" }'), {})


def test_the_example_loads_as_it_is_and_with_every_key(tmp_path: Path) -> None:
    """It has every key of the schema, under the table it belongs to."""
    assert read_site_file(written(tmp_path, example())) == {}
    every = re.sub(r"^#(?! )", "", example(), flags=re.MULTILINE)
    assert list(read_site_file(written(tmp_path, every))) == [key.name for key in KEYS]
    assert set(tomllib.loads(example())) == {section for section in SECTIONS if section}


def test_a_run_takes_its_settings_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line wins over it; a password comes from where the file says."""
    monkeypatch.setenv("KEPT", PASSWORD)
    text = (
        'name = "Clinic"\nlabels = { a = "b" }\nturn_user = "me"\nturn_password = { env = "KEPT" }\n[load]\ncalls = 3'
    )
    site = written(tmp_path, text)
    options = read_options(parser().parse_args(["run", "--site", site]))
    assert (options.name, options.labels, options.load.calls) == ("Clinic", {"a": "b"}, 3)
    assert options.credentials == Credentials(user="me", password=PASSWORD)
    assert read_options(parser().parse_args(["run", "--site", site, "--calls", "7"])).load.calls == 7
    without = written(tmp_path, 'turn_password = { env = "KEPT" }')
    with pytest.raises(UsageError, match="without a user"):
        read_options(parser().parse_args(["run", "--site", without]))


def test_the_command_prints_an_example_and_checks_a_file(tmp_path: Path) -> None:
    """Of passwords it says where they are kept and whether they are there, and never what they are."""
    assert command("site", "--example").out == example()
    path = written(tmp_path, 'name = "Clinic"\nturn_password = { env = "KEPT" }\nproxy_password = { env = "OTHER" }')
    told = command("site", path, env={"KEPT": PASSWORD})
    assert (told.status, told.err) == (0, "")
    assert told.out.splitlines() == [
        "name = Clinic",
        "turn_password = variable KEPT (there)",
        "proxy_password = variable OTHER (nothing is kept there)",
    ]
    empty = written(tmp_path, example())
    told = command("site", empty)
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"{empty}: correct, and it sets nothing: no key in it is active.")
    wrong = command("site", written(tmp_path, "nme = 1"))
    assert (wrong.status, wrong.out) == (2, "")
    assert f"--site {path}: unknown key 'nme'; did you mean 'name'?" in wrong.err
    assert "--example" in command("site").err
    assert os.environ.get("KEPT") is None
