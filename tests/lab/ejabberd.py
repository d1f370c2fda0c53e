"""ejabberd, the other XMPP server of the lab: it takes seconds to start, and starts when a site first needs it."""

from __future__ import annotations

from pathlib import Path

from tests.lab import servers
from tests.lab.names import DOMAIN, XMPP_PASSWORD, XMPP_USER
from tests.lab.netns import SYSTEM_PATH, Namespace
from tests.lab.servers import Server

PORT = 5290
CONFIG = """\
hosts: [{domain}]
loglevel: warning
listen: [{{port: {port}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {{/websocket: ejabberd_http_ws}}}}]
auth_method: internal
auth_password_format: scram
auth_scram_hash: sha256
websocket_origin: []
modules: {{mod_ping: {{}}, mod_disco: {{}}}}
"""
REGISTER = (
    "{ok, _} = application:ensure_all_started(ejabberd), "
    f'ok = ejabberd_auth:try_register(<<"{XMPP_USER}">>, <<"{DOMAIN}">>, <<"{XMPP_PASSWORD}">>).'
)
"""In Erlang: its own command wants a node name."""
LIBRARIES = "/usr/lib/x86_64-linux-gnu"


def start(namespace: Namespace, folder: Path) -> Server:
    """Start it in *namespace*; its database is new and below *folder*."""
    home = folder / "ejabberd"
    home.mkdir()
    (home / "ejabberd.yml").write_text(CONFIG.format(domain=DOMAIN, port=PORT), encoding="ascii")
    environment = {
        "PATH": SYSTEM_PATH,
        "HOME": str(home),
        "ERL_LIBS": LIBRARIES,
        "EJABBERD_CONFIG_PATH": str(home / "ejabberd.yml"),
        "EJABBERD_LOG_PATH": str(home / "ejabberd.log"),
    }
    # No node name: so it neither needs nor starts Erlang's port mapper.
    command = [
        "erl",
        "-noshell",
        "-noinput",
        "+S",
        "1",
        "+sbwt",
        "none",
        "-mnesia",
        "dir",
        f'"{home}/db"',
        "-s",
        "ejabberd",
        "-eval",
        REGISTER,
    ]
    return servers.start(namespace, "ejabberd", command, folder=folder, ports=(f"tcp/{PORT}",), environment=environment)
