"""Throw-away certificate authorities, as the real service has them, and the certificates they sign."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import trustme

from rainbow_probe.demo.services import AGENT, APEX

HTTP = ("http/1.1",)
APNS_PROTOCOL = ("apns-security-v3",)
UNIT = "Throw-away demo authority"


class Authorities:
    """The authorities of the demo world; their keys live in memory and die with it."""

    def __init__(self, *, expired: bool = False) -> None:
        """Make them; with *expired*, Rainbow's own certificate ended yesterday."""
        self._public = trustme.CA(organization_name="Demo Public CA", organization_unit_name=UNIT)
        self._apple = trustme.CA(organization_name="Apple Demo CA", organization_unit_name=UNIT)
        self._operator = trustme.CA(organization_name="Operator Demo CA", organization_unit_name=UNIT)
        self.corporate = trustme.CA(organization_name="Example Corp TLS Inspection", organization_unit_name=UNIT)
        self._end = _now() - datetime.timedelta(days=1) if expired else None

    def rainbow(self, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
        """Return what Rainbow's servers show: a public certificate for the apex and all below it."""
        start = _now() - datetime.timedelta(days=90)
        leaf = self._public.issue_cert(
            APEX,
            f"*.{APEX}",
            common_name=APEX,
            organization_name="Rainbow demo cloud",
            not_before=start,
            not_after=self._end,
        )
        return server_context(leaf, protocols)

    def agent(self) -> ssl.SSLContext:
        """Return what the PBX agent's host shows: a certificate of the operator's own private authority."""
        return server_context(
            self._operator.issue_cert(AGENT, common_name=AGENT, organization_name="Operator demo"), HTTP
        )

    def google(self) -> ssl.SSLContext:
        """Return what Google's push servers show."""
        return server_context(
            self._public.issue_cert("*.google.com", common_name="*.google.com", organization_name="Google demo")
        )

    def apple(self) -> ssl.SSLContext:
        """Return what Apple's push servers show: a certificate of Apple's own authority."""
        leaf = self._apple.issue_cert(
            "*.push.apple.com", common_name="courier.push.apple.com", organization_name="Apple demo"
        )
        return server_context(leaf, APNS_PROTOCOL)

    def client(self) -> ssl.SSLContext:
        """Return a context that trusts all but the company: what an inspecting box looks outside with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for authority in (self._public, self._apple, self._operator):
            context.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
        return context

    def write_public(self, folder: Path) -> Path:
        """Write the roots that count as publicly known, Apple's included, into one file in *folder*."""
        return _write(folder / "public-ca.pem", self._public, self._apple)

    def write_machine(self, folder: Path) -> Path:
        """Write the root a company installs on its machines into a file in *folder*."""
        return _write(folder / "machine-ca.pem", self.corporate)


def server_context(leaf: trustme.LeafCert, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Return a server's context that shows *leaf* and offers *protocols* by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with leaf.private_key_and_cert_chain_pem.tempfile() as path:  # a file, because ssl reads keys from nothing else
        context.load_cert_chain(path)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _write(path: Path, *authorities: trustme.CA) -> Path:
    path.write_bytes(b"".join(authority.cert_pem.bytes() for authority in authorities))
    return path


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
