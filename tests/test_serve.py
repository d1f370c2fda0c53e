"""The local page: who may speak with it, and a run by clicks in real Chromium."""

from __future__ import annotations

import asyncio
import html
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from rainbow_probe.arguments import parser
from rainbow_probe.commands import prepared
from rainbow_probe.language import language
from rainbow_probe.model import RowVerdict
from rainbow_probe.options import UsageError
from rainbow_probe.report.wording import VERDICTS
from rainbow_probe.serve.desk import MOST_WAITING, BusyError, Desk, Ready
from rainbow_probe.serve.page import Choices, words_of
from rainbow_probe.serving import kept, preparing, serve
from rainbow_probe.site import SiteError
from tests.commands import ROOT, TRIES, command, environment, starved
from tests.lab.browser import Browser, opened
from tests.report_samples import broken_site, open_site

CHROMIUM = [name for name in ("chromium", "certutil") if shutil.which(name) is None]
PATIENCE = 90.0  # seconds for the start, and for the end
CHOICES = Choices(clients={"desktop": "Desktop", "mobile": "Mobile"}, faults={"udp-blocked": "No UDP"})


class Served:
    """The command as a user starts it."""

    def __init__(self, data: Path) -> None:
        """Start it with a data folder of its own, and read the address it prints."""
        words = [sys.executable, "-m", "rainbow_probe", "serve", "--lang", "fr"]
        env = environment({"RAINBOW_PROBE_DATA": str(data), "RAINBOW_PROBE_STORE": "yes"})
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            words, cwd=ROOT, env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        self._watch = threading.Timer(PATIENCE * 2, self.process.kill)
        self._watch.start()
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.port = urlsplit(self.address).port or 0

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: str | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Ask as any program of this machine may; returns status, fields and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; returns the exit status and what else was said."""
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, "".join(said)

    def end(self) -> None:
        """End what a failed test has left."""
        self._watch.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve the page for one test."""
    command = Served(tmp_path / "data")
    yield command
    command.end()


def test_only_who_was_given_the_address_may_ask(served: Served) -> None:
    """Once; under its own name; from its own pages; and nothing changes by a GET or by another page's form."""
    path = served.address.partition(f":{served.port}")[2]
    mine = {"Host": f"127.0.0.1:{served.port}"}
    assert served.ask("/", mine)[0] == 403
    assert served.ask("/?token=wrong", mine)[0] == 403
    status, fields, _ = served.ask(path, mine)
    assert (status, fields["Location"]) == (303, "/")
    cookie = fields["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
    assert served.ask(path, mine)[0] == 403, "the address is good for once"

    mine["Cookie"] = cookie.partition(";")[0]
    status, fields, text = served.ask("/", mine)
    assert (status, '<html lang="fr">' in text and "Démarrer" in text) == (200, True)
    assert "default-src 'none'" in fields["Content-Security-Policy"]
    assert "desktop" in json.loads(served.ask("/choices", mine)[2])["clients"]
    assert served.ask("/report.html", mine)[0] == 404
    for strange in ({"Host": "rebound.example"}, {"Host": "127.0.0.1"}, {"Origin": "http://evil.example"},
                    {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Cookie": "rainbow-probe=x"}):  # fmt: skip
        assert served.ask("/choices", {**mine, **strange})[0] in {403, 421}, strange

    own, in_json = f"http://127.0.0.1:{served.port}", {"Content-Type": "application/json"}
    posts = [
        ({}, in_json, "{}", 403),
        ({"Origin": "http://localhost:1"}, in_json, "{}", 403),
        ({"Origin": own}, {"Content-Type": "text/plain"}, "{}", 415),
        ({"Origin": own}, in_json, "{", 400),
        ({"Origin": own}, in_json, "[]", 400),
        ({"Origin": own}, in_json, '{"clients": ["nobody"]}', 400),
        ({"Origin": own}, in_json, json.dumps({"site": "x" * 70_000}), 413),
    ]
    for origin, kind, body, wanted in posts:
        assert served.ask("/run", {**mine, **origin, **kind}, method="POST", body=body)[0] == wanted, body[:40]
    assert served.ask("/run", mine)[0] == 405
    assert served.ask("/nothing", mine)[0] == 404
    assert served.ask("/stop", {**mine, "Origin": own, **in_json}, method="POST", body="{}")[0] == 202
    assert served.interrupt()[0] == 0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, ["run"]),
        ({"clients": ["desktop"], "site": " a b.toml ", "proxy": "none", "faults": []},
         ["run", "--client=desktop", "--site=a b.toml", "--proxy=none"]),
        ({"demo": True, "faults": ["udp-blocked"], "site": "x"}, ["demo", "--fault=udp-blocked"]),
        ({"proxy": "--debug"}, ["run", "--proxy=--debug"]),
    ],
)  # fmt: skip
def test_what_was_chosen_becomes_a_command_line(told: dict[str, object], words: list[str]) -> None:
    """No word of the page becomes an option of its own."""
    assert words_of(told, CHOICES) == words


@pytest.mark.parametrize(
    "told",
    [{"clients": "desktop"}, {"clients": [1]}, {"faults": ["x"]}, {"site": 1}, {"proxy": "a\nb"}, {"site": "x" * 501}],
)
def test_what_is_no_choice_is_refused(told: dict[str, object]) -> None:
    """By its name."""
    with pytest.raises(web.HTTPBadRequest):
        words_of(told, CHOICES)


def test_a_port_that_cannot_be_is_refused() -> None:
    """Out of range, or taken by another page."""
    with pytest.raises(UsageError, match="--port 70000"):
        serve(70000, {}, None)  # type: ignore[arg-type]  # it is refused before anybody prepares a run
    assert "--port" in command("serve", "--port", "-1").err


class Broken:
    """Prepares nothing, as whatever is wrong with a site or with us."""

    def __init__(self, error: Exception) -> None:
        """Fail with *error*."""
        self._error = error

    @asynccontextmanager
    async def __call__(self, _words: Sequence[str]) -> AsyncGenerator[Ready]:
        """Fail."""
        raise self._error
        yield  # which makes it a generator


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UsageError("--site x: no"), "--site x: no"),
        (SiteError("no proxy"), "no proxy"),
        (RuntimeError("secret"), "a fault of the probe itself (RuntimeError)"),
    ],
)
async def test_what_goes_wrong_before_a_run_is_told_and_ends_nothing(error: Exception, told: str) -> None:
    """Another run can begin after it; of a fault of ours only its kind is said."""
    async with asyncio.TaskGroup() as group:
        desk = Desk(prepare=Broken(error), group=group)
        desk.stop()
        desk.start(["run"])
        with pytest.raises(BusyError):
            desk.start(["run"])
        async with desk.watched() as heard:
            assert await heard.get() == {"begun": True}
            assert told in (await heard.get())["wrong"]
    assert not desk.running


async def test_who_does_not_read_is_forgotten() -> None:
    """A page that hangs costs no memory without end."""
    async with asyncio.TaskGroup() as group:
        desk = Desk(prepare=Broken(UsageError("no")), group=group)
        async with desk.watched() as heard:
            for _ in range(MOST_WAITING + 2):
                desk.expect(1)
            assert heard.full()


def test_a_run_is_kept_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the one before it of the same site; a run that was stopped is compared with none."""
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("RAINBOW_PROBE_STORE", raising=False)
    arguments = parser().parse_args(["demo"])
    assert kept(arguments, open_site()).compared == "There is no run before this one."
    assert kept(arguments, open_site()).compared.startswith("Nothing changed.")
    assert kept(arguments, broken_site()).compared.startswith("Worse than before")
    assert "stopped" in kept(arguments, replace(open_site(), interrupted=True)).compared
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("RAINBOW_PROBE_DATA", str(tmp_path / "file" / "data"))
    assert kept(arguments, open_site()).compared == "There is no run before this one."


async def test_the_words_of_the_page_make_the_run_of_the_command() -> None:
    """As the command line would; what is no command line is refused."""
    prepare = preparing(parser(), prepared)
    async with prepare(["run", "--client=desktop", "--proxy=none"]) as ready:
        assert ready.assessment.options.clients == ("desktop",)
    with pytest.raises(UsageError, match="not understood"):
        async with prepare(["run", "--nonsense"]):
            pass


WAIT = """async ([state, least]) => {
  const there = () => document.querySelectorAll(state).length >= least;
  while (!there()) await new Promise(resolve => new MutationObserver((_, seen) => { seen.disconnect(); resolve(); })
    .observe(document.documentElement, { subtree: true, childList: true, attributes: true, characterData: true }));
  return document.querySelectorAll(state).length;
}"""
CLICK = "selector => { document.querySelector(selector).click(); return true; }"
HERE = "path => location.host !== '' && location.href.endsWith(path) && document.readyState === 'complete'"
TEXT = "selector => document.querySelector(selector).textContent"


def wait(browser: Browser, selector: str, least: int = 1) -> None:
    """Wait until the page has *least* elements that fit *selector*."""
    browser.call(WAIT, [selector, least])


def text(browser: Browser, selector: str) -> str:
    """Return what stands in the page there."""
    return str(browser.call(TEXT, selector))


CODES = {"Tab": 9, " ": 32, "ArrowDown": 40}


def press(browser: Browser, key: str) -> None:
    """Press a key and let it go."""
    told = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": CODES[key]}
    browser.do("Input.dispatchKeyEvent", type="keyDown", **told, **({"text": " "} if key == " " else {}))
    browser.do("Input.dispatchKeyEvent", type="keyUp", **told)


def reach(browser: Browser, selector: str) -> None:
    """Go to an element by the Tab key alone, from the top of the page."""
    browser.call("() => { document.activeElement.blur(); getSelection().collapse(document.body, 0); return 1; }", None)
    for _ in range(100):
        press(browser, "Tab")
        if browser.call("what => document.activeElement.matches(what)", selector):
            return
    raise AssertionError(selector)


def violations(browser: Browser, *, dark: bool) -> list[object]:
    """Return what axe finds wrong with the page as it stands: names, roles, order, contrast."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.do("Emulation.setEmulatedMedia", media="", features=[scheme])
    browser.do("Runtime.evaluate", expression=files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    found = "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html)])"
    return list(browser.call(found, None))


def run_by_keys(browser: Browser) -> dict[str, Any]:
    """Start the chosen run and return its report; again, if this machine had no time for it."""
    report: dict[str, Any] = {}
    for number in range(TRIES):
        compared = "Il n'y a pas d'exécution avant celle-ci." if number == 0 else ""
        reach(browser, "#start")
        press(browser, " ")
        wait(browser, "#outcome[hidden]")
        wait(browser, "#checks [data-outcome=pass]", 3)
        wait(browser, "#outcome:not([hidden])")
        report = browser.call("async () => (await (await fetch('/report.json')).json())", None)
        assert compared in text(browser, "#compared")
        if not starved(report):
            break
    return report


@pytest.mark.skipif(bool(CHROMIUM), reason=f"{', '.join(CHROMIUM)} missing: run tests/setup.sh")
def test_a_demo_run_by_keys(served: Served, tmp_path: Path) -> None:
    """A fault is chosen by the keyboard alone, checks turn green and red, the finding is read, and Ctrl-C ends it all.

    axe finds nothing, before and after, light and dark; the report opens.
    """
    (tmp_path / "home").mkdir()
    complaints: list[object] = []
    with opened([], tmp_path / "home", trusted=(), flags=(), environment={}) as browser:
        browser.heard = lambda method, told: complaints.append(told) if method == "Runtime.exceptionThrown" else None
        for domain in ("Page", "Runtime", "Log"):
            browser.do(f"{domain}.enable")
        browser.do("Page.navigate", url=served.address)
        while not browser.call(HERE, f":{served.port}/"):
            pass
        wait(browser, "#faults input[value=udp-blocked]")
        assert violations(browser, dark=True) == []
        for chosen, key in (("[name=what]", "ArrowDown"), ("#clients [value=desktop]", " "),
                            ("#faults [value=udp-blocked]", " ")):  # fmt: skip
            reach(browser, chosen)
            press(browser, key)
        report = run_by_keys(browser)
        assert browser.call("() => document.querySelector('.of-run').hidden", None) is True
        assert violations(browser, dark=False) == []
        assert violations(browser, dark=True) == []
        assert browser.call("() => document.documentElement.scrollWidth <= innerWidth", None) is True
        if not starved(report):
            assert text(browser, "article[data-id=udp-blocked] h3")
            assert browser.call("() => document.querySelectorAll('#checks [data-outcome=fail]').length", None) > 0
            assert "udp-blocked" in [finding["id"] for finding in report["findings"]]
            assert "doit agir : " in text(browser, "article p:last-child")
        assert browser.call("() => document.querySelector('#verdict').dataset.verdict", None) == report["verdict"]
        assert text(browser, "#verdict") == language("fr").say(VERDICTS[RowVerdict(report["verdict"])])

        page = browser.call("async () => { const a = await fetch('/report.html'); "
            "return [a.headers.get('Content-Security-Policy'), await a.text()]; }", None)  # fmt: skip
        assert page[0].startswith("sandbox ")
        assert language("fr").said(report["summary"]) in html.unescape(page[1])

        choose = (
            "site => { const f = document.forms.choose.elements; f.what.value = 'run'; f.site.value = site; return 1; }"
        )
        browser.call(choose, str(tmp_path / "none.toml"))
        browser.call(CLICK, "#start")
        wait(browser, "#outcome[hidden]")
        wait(browser, "#start:not([disabled])")
        assert "No such file" in text(browser, "#state")
        assert complaints == []
        status, said = served.interrupt()
    assert (status, "Traceback" in said) == (0, False), said


@pytest.mark.skipif(os.name != "posix", reason="platform: no SIGTERM here")
def test_a_run_that_goes_on_ends_with_the_page(served: Served) -> None:
    """SIGTERM, in the middle of a run: no task is left, and nothing is said of it."""
    host = {"Host": f"127.0.0.1:{served.port}"}
    cookie = served.ask(served.address.partition(f":{served.port}")[2], host)[1]["Set-Cookie"].partition(";")[0]
    mine = {**host, "Cookie": cookie, "Origin": f"http://127.0.0.1:{served.port}", "Content-Type": "application/json"}
    assert served.ask("/run", mine, method="POST", body='{"demo": true}')[0] == 202
    assert served.ask("/run", mine, method="POST", body='{"demo": true}')[0] == 409
    served.process.terminate()
    said = "".join(served.process.communicate(timeout=PATIENCE))
    assert (served.process.returncode, "Traceback" in said) == (0, False), said
