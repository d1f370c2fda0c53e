"""Every key that a site file may have, as data: a new one is one line here.

The reader, ``rainbow-probe site --example`` and ``docs/site-file.md`` are made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """What a value must be; the words are those of error messages."""

    TEXT = "a string"
    TEXTS = "a list of strings"
    SECONDS = "a number"
    COUNT = "a whole number, 0 or more"
    FLAG = "true or false"
    SECRET = 'a reference: { env = "NAME" }, { file = "PATH" } or { keyring = "SERVICE", user = "NAME" }'  # noqa: S105 - words, no password
    TABLE = "a table of strings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key: ``section.key``, or ``key`` at the top."""

    name: str
    shape: Shape
    about: str
    """For the person who writes the file, in one sentence."""
    example: str
    """A value as TOML has it."""

    @property
    def section(self) -> str:
        """The table it stands in; empty for the top of the file."""
        return self.name.rpartition(".")[0]

    @property
    def short(self) -> str:
        """The key as it is written inside its section."""
        return self.name.rpartition(".")[2]


SECTIONS = {
    "": "The site as a whole",
    "lan": "Hosts of the site itself, which no guide can name",
    "load": "How many there are at the busiest time, for the ports of the proxy and for bandwidth",
    "account": "A Rainbow account to sign in with, once a run; five wrong passwords lock an account for an hour",
    "mail": "Who gets the report by mail, and by which server",
}
"""The tables of the file, in their order, with what they are about."""


def _keys(section: str, *lines: tuple[str, Shape, str, str]) -> tuple[Key, ...]:
    prefix = f"{section}." if section else ""
    return tuple(
        Key(name=prefix + name, shape=shape, about=about, example=value) for name, shape, about, value in lines
    )


KEYS = (
    *_keys(
        "",
        ("name", Shape.TEXT, "What the site is called in reports.", '"Clinic East"'),
        ("labels", Shape.TABLE, "Words of your own that go into the report with the name.", '{ region = "north" }'),
        ("guide", Shape.TEXT, "A guide that ships with the probe, or a folder of your own.", '"hds-ed21"'),
        ("clients", Shape.TEXTS, "Only these client kinds or groups of rows.", '["desktop", "mobile"]'),
        ("proxy", Shape.TEXT, "As --proxy: auto, none, wpad, pac:URL or a URL.", '"http://proxy.example:3128"'),
        ("proxy_user", Shape.TEXT, "The user for a proxy whose URL names none.", r'"CORP\\probe"'),
        ("proxy_password", Shape.SECRET, "That user's password.", '{ env = "CLINIC_PROXY_PASSWORD" }'),
        ("proxy_password_file", Shape.TEXT, "Instead: a file whose first line it is.", '"/etc/rainbow-probe/proxy"'),
        ("resolvers", Shape.TEXTS, "Ask these DNS servers, not the system's.", '["192.0.2.53"]'),
        ("turn", Shape.TEXTS, "TURN servers, for calls.", '["turn:turn.example.org", "turns:turn.example.org:443"]'),
        ("turn_user", Shape.TEXT, "The TURN user.", '"probe"'),
        ("turn_password", Shape.SECRET, "That user's password.", '{ file = "turn-password" }'),
        ("turn_password_file", Shape.TEXT, "Instead: a file whose first line it is.", '"/etc/rainbow-probe/turn"'),
        ("ca_files", Shape.TEXTS, "Certificates to trust beside this machine's own.", '["/etc/ssl/clinic.pem"]'),
        ("public_ca", Shape.TEXTS, "Roots that count as publicly known, for test clouds.", '["/etc/ssl/lab.pem"]'),
        ("map", Shape.TEXTS, "As --map: connect there instead.", '["web.openrainbow.health:443=192.0.2.1:8443"]'),
        ("timeout", Shape.SECONDS, "Seconds that a check waits in silence.", "8"),
        ("deadline", Shape.SECONDS, "Seconds for the whole run.", "300"),
    ),
    *_keys(
        "lan",
        ("pbx", Shape.TEXT, "The PBX, at the address of its signalling.", '"192.0.2.20"'),
        (
            "pbx_tls",
            Shape.TEXT,
            "The PBX where it speaks SIP over TLS, HOST or HOST:PORT (5061).",
            '"pbx.clinic.example"',
        ),
        ("gateway", Shape.TEXT, "The WebRTC gateway.", '"192.0.2.30"'),
        ("ntp", Shape.TEXT, "The time server.", '"192.0.2.1"'),
        (
            "peer",
            Shape.TEXTS,
            "As --peer: where 'rainbow-probe responder' runs.",
            '["gateway=192.0.2.30", "192.0.2.40"]',
        ),
        ("outside", Shape.TEXT, "As --outside: a responder beyond the border.", '"192.0.2.50"'),
        ("peer_token", Shape.SECRET, "What those responders want to know.", '{ env = "CLINIC_PEER_TOKEN" }'),
    ),
    *_keys(
        "load",
        ("users", Shape.COUNT, "Clients signed in through the proxy.", "200"),
        ("calls", Shape.COUNT, "Calls through the proxy.", "30"),
        ("video", Shape.COUNT, "Of these with video.", "10"),
        ("sharing", Shape.COUNT, "Of these with screen sharing.", "5"),
        ("gateway_calls", Shape.COUNT, "Calls of WebRTC gateways through the proxy.", "50"),
        ("subscribers", Shape.TEXTS, "PBX subscribers, agent for agent.", '["500", "2000"]'),
        ("calls_per_second", Shape.TEXTS, "PBX calls a second in the busy hour, agent for agent.", '["2", "5"]'),
    ),
    *_keys(
        "account",
        ("login", Shape.TEXT, "As --account: who signs in.", '"probe@clinic.example"'),
        ("password", Shape.SECRET, "The account's password.", '{ keyring = "rainbow", user = "probe@clinic.example" }'),
        ("app_id", Shape.TEXT, "The id of your application at Rainbow.", '"0123456789abcdef0123456789abcdef"'),
        ("app_secret", Shape.SECRET, "That application's secret.", '{ file = "app-secret" }'),
        ("xmpp", Shape.FLAG, "As --account-xmpp: sign in at XMPP too.", "true"),
    ),
    *_keys(
        "mail",
        ("to", Shape.TEXTS, "Who gets the report; --mail-to stands above it.", '["noc@clinic.example"]'),
        ("on", Shape.TEXT, "After which runs: always, change or failure.", '"change"'),
        ("server", Shape.TEXT, "The mail server, HOST or HOST:PORT.", '"smtp.clinic.example:587"'),
        ("security", Shape.TEXT, "starttls, tls (from the first byte on), or none (no log-in).", '"starttls"'),
        ("user", Shape.TEXT, "The user of the mail server, if it asks for a log-in.", '"probe"'),
        ("password", Shape.SECRET, "Its password (or RAINBOW_PROBE_MAIL_PASSWORD).", '{ file = "mail-password" }'),
        ("from", Shape.TEXT, "Whose mail it is.", '"rainbow-probe@clinic.example"'),
        ("ca_files", Shape.TEXTS, "Certificates to trust for the mail server.", '["/etc/ssl/clinic.pem"]'),
    ),
)
BY_NAME = {key.name: key for key in KEYS}
