"""What the page asks for: its own files, what can be chosen, a run, what goes on, and the report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from rainbow_probe.model import Report
from rainbow_probe.report import as_html, as_json
from rainbow_probe.report.templating import environment
from rainbow_probe.serve.desk import BusyError, Desk
from rainbow_probe.serve.guard import Guard

TEMPLATES = Path(__file__).parent
LARGEST = 64 * 1024  # bytes of what the page may ask
MOST = 500  # characters of one word of it
FILES = {
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts allow-popups"}
"""The report is a stranger here: its strings come from the network, and its page needs nothing of ours."""
ONE, SEVERAL = ("site", "proxy"), ("clients", "faults")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What there is to choose from: ids with their titles."""

    clients: Mapping[str, str]
    faults: Mapping[str, str]


class Page:
    """The handlers, for one desk."""

    def __init__(self, desk: Desk, guard: Guard, choices: Choices) -> None:
        """Show what *desk* does, to whom *guard* lets in."""
        self._desk, self._guard, self._choices = desk, guard, choices

    def application(self) -> web.Application:
        """Return what the server runs."""
        application = web.Application(middlewares=[self._guard.checked], client_max_size=LARGEST)
        application.add_routes([
            web.get("/", self._page),
            *(web.get(path, self._file) for path in FILES),
            web.get("/choices", self._offered),
            web.get("/events", self._events),
            web.get("/report.html", self._html),
            web.get("/report.json", self._json),
            web.post("/run", self._run),
            web.post("/stop", self._stop),
        ])
        return application

    async def _page(self, _request: web.Request) -> web.Response:
        spoken = self._desk.language
        template = environment(TEMPLATES).get_template("page.html.j2")
        return web.Response(text=template.render(language=spoken.code, _=spoken.say), content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name, kind = FILES[request.path]
        text = files("rainbow_probe.serve").joinpath(name).read_text("utf-8")
        return web.Response(text=text, content_type=kind)

    async def _offered(self, _request: web.Request) -> web.Response:
        clients = {name: self._desk.language.said(title) for name, title in self._choices.clients.items()}
        return web.json_response({"clients": clients, "faults": dict(self._choices.faults)})

    async def _run(self, request: web.Request) -> web.Response:
        try:
            self._desk.start(words_of(await asked(request), self._choices))
        except BusyError:
            raise web.HTTPConflict(text="A run goes on already.") from None
        return web.json_response({}, status=202)

    async def _stop(self, request: web.Request) -> web.Response:
        await asked(request)
        self._desk.stop()
        return web.json_response({}, status=202)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Stream what goes on, as server-sent events, until the page leaves."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        async with self._desk.watched() as told:
            await response.prepare(request)
            await response.write(b": watching\n\n")
            while True:
                message = await told.get()
                await response.write(f"data: {json.dumps(message)}\n\n".encode())

    async def _html(self, _request: web.Request) -> web.Response:
        text = await asyncio.to_thread(as_html.dumps, self._report(), self._desk.language, self._desk.past)
        return web.Response(text=text, content_type="text/html", headers=SANDBOX)

    async def _json(self, _request: web.Request) -> web.Response:
        text = await asyncio.to_thread(as_json.dumps, self._report())
        name = {"Content-Disposition": 'attachment; filename="rainbow-probe.json"'}
        return web.Response(text=text, content_type="application/json", headers=name)

    def _report(self) -> Report:
        if self._desk.report is None:
            raise web.HTTPNotFound(text="There is no report yet.")
        return self._desk.report


async def asked(request: web.Request) -> Mapping[str, object]:
    """Return the JSON object that was posted. Raises ``HTTPBadRequest``; a form of another page cannot send JSON."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Only JSON is taken.")
    try:
        told: Any = await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="That is no JSON.") from None
    if not isinstance(told, dict):
        raise web.HTTPBadRequest(text="That is no object.")
    return cast("Mapping[str, object]", told)


def words_of(told: Mapping[str, object], choices: Choices) -> list[str]:
    """Return the words of the command line that was chosen. Raises ``HTTPBadRequest`` for what is no choice."""
    demo = told.get("demo") is True
    clients, faults = (_several(told, key) for key in SEVERAL)
    site, proxy = (_one(told, key) for key in ONE)
    if not (set(clients) <= set(choices.clients) and set(faults) <= set(choices.faults)):
        raise web.HTTPBadRequest(text="There is no such client or fault.")
    words = [f"--client={name}" for name in clients]
    if demo:
        return ["demo", *words, *(f"--fault={name}" for name in faults)]
    return ["run", *words, *([f"--site={site}"] if site else []), *([f"--proxy={proxy}"] if proxy else [])]


def _one(told: Mapping[str, object], key: str) -> str:
    value = told.get(key, "")
    if not isinstance(value, str) or len(value) > MOST or not value.isprintable():
        raise web.HTTPBadRequest(text=f"{key} is no word.")
    return value.strip()


def _several(told: Mapping[str, object], key: str) -> Sequence[str]:
    values = told.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in cast("list[object]", values)):
        raise web.HTTPBadRequest(text=f"{key} is no list of words.")
    return cast("list[str]", values)
