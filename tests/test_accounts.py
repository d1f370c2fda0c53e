"""Which account signs in, where its secrets come from, and that none of them shows anywhere."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from rainbow_probe.accounts import APP_ID, APP_SECRET, PASSWORD, read_account
from rainbow_probe.arguments import parser
from rainbow_probe.demo import demo_cloud
from rainbow_probe.model import Account, Credentials
from rainbow_probe.options import UsageError
from rainbow_probe.sitefile import read_site_file
from tests.commands import Ended, rainbow_probe

LOGIN = "me@clinic.example"
ENVIRON = {PASSWORD: "sesame-1", APP_ID: "app-2", APP_SECRET: "secret-3"}
SAID = Account(
    user=Credentials(user=LOGIN, password="sesame-1"),  # noqa: S106 - made up
    app=Credentials(user="app-2", password="secret-3"),  # noqa: S106 - made up
)


def account(
    *options: str, site: str = "", environ: dict[str, str] | None = None, folder: Path = Path()
) -> Account | None:
    """Read the account that a command line, a site file and an environment name."""
    file = folder / "site.toml"
    if site:
        file.write_text(site, "utf-8")
    told = read_site_file(str(file)) if site else {}
    return read_account(parser().parse_args(["run", *options]), told, environ or {})


def test_nobody_signs_in_unasked() -> None:
    """A password in the environment is no wish."""
    assert account(environ=ENVIRON) is None


def test_the_secrets_come_from_the_environment_files_or_the_site_file(tmp_path: Path) -> None:
    """The command line stands above the site file, and that above the environment."""
    assert account("--account", LOGIN, environ=ENVIRON) == SAID
    for name, text in (("p", "sesame-1"), ("s", "secret-3")):
        (tmp_path / name).write_text(text, "utf-8")
    files = ("--account-password-file", str(tmp_path / "p"), "--app-secret-file", str(tmp_path / "s"))
    assert account("--account", LOGIN, "--app-id", "app-2", *files) == SAID
    site = (
        f"""[account]\nlogin = "{LOGIN}"\napp_id = "app-2"\npassword = {{ file = "p" }}\napp_secret = {{ env = "X" }}"""
    )
    assert account(site=site, environ={"X": "secret-3", PASSWORD: "no"}, folder=tmp_path) == SAID
    assert account("--app-id", "other", site=site, environ={"X": "y"}, folder=tmp_path) != SAID
    assert all(word not in repr(SAID) for word in (LOGIN, "sesame", "app-2", "secret"))


@pytest.mark.parametrize(
    ("options", "missing", "told"),
    [
        (["--account-password-file", "x"], "", "without a login"),
        (["--app-id", "x"], "", "without a login"),
        (["--account", LOGIN], APP_ID, "without an application"),
        (["--account", LOGIN], APP_SECRET, "application's secret"),
        (["--account", LOGIN], PASSWORD, f"without a password: set {PASSWORD}"),
        (["--account", "a:b"], "", "a colon"),
        (["--account", "a\nb"], "", "printable"),
        (["--account", "a" * 513], "", "512"),
    ],
)
def test_what_is_missing_is_named_before_an_attempt_is_spent(
    options: list[str], missing: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what to set, and quotes nothing."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UsageError, match=told) as caught:
        account(*options, environ={key: value for key, value in ENVIRON.items() if key != missing})
    assert "sesame" not in str(caught.value)


async def test_a_run_with_an_account_shows_no_secret_in_any_output(tmp_path: Path) -> None:
    """Screen, messages and every file, from the command as a user gives it, against the demo cloud.

    No TURN server is given and none resolves by the guide's candidates alone: what the account lists is tested, with
    the credentials that come with it.
    """
    async with demo_cloud() as cloud:
        (tmp_path / "secret").write_text(cloud.account.user.password, "utf-8")
        given = ["--account", cloud.account.user.user, "--account-password-file", str(tmp_path / "secret")]
        maps = [f"--map={asked}={instead}" for asked, instead in cloud.maps.items()]
        where = ["--proxy=none", f"--resolver={cloud.resolver}", f"--public-ca={cloud.public_ca}"]
        files = [f"--{kind}={tmp_path / kind}" for kind in ("json", "html", "junit", "csv", "rules")]
        env = {APP_ID: cloud.account.app.user, APP_SECRET: cloud.account.app.password}
        secrets = [cloud.credentials.password, cloud.account.user.user, cloud.account.user.password, *env.values()]

        def ran() -> Ended:
            return rainbow_probe("run", *maps, *where, *given, *files, "--debug", "--client=call", env=env)

        ended = await asyncio.to_thread(ran)
    written = [ended.out, ended.err, *((tmp_path / name.partition("=")[0][2:]).read_text("utf-8") for name in files)]
    assert [secret for secret in secrets for text in written if secret in text] == []
    rows = {row["id"]: row["verdict"] for row in json.loads(written[2])["rows"]}
    assert rows["call/ice-config"] == "pass"
    assert rows["call/allocate-direct"] == "pass"
