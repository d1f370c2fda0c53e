"""How many ports a site's numbers need of its proxy at the same time (guide, section 8.2). Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

PARALLEL_HTTPS = 2  # requests of one client at a busy time; the guide speaks of parallel ones and gives no number


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a site has at the same time, at its busiest."""

    users: int = 0
    """Clients that are signed in through the proxy."""
    calls: int = 0
    """Calls of theirs that go through the proxy: one port each, for audio."""
    video: int = 0
    """How many of these have video: one more port each."""
    sharing: int = 0
    """How many of these share a screen: one more port each."""
    gateway_calls: int = 0
    """Audio calls of WebRTC gateways through the proxy: one port each."""

    @property
    def known(self) -> bool:
        """Whether anything was said at all."""
        return bool(self.users or self.calls or self.video or self.sharing or self.gateway_calls)

    @property
    def least(self) -> int:
        """Ports that are in use whatever the clients fetch: one permanent WebSocket a client, and all media."""
        return self.users + self.calls + self.video + self.sharing + self.gateway_calls

    @property
    def busy(self) -> int:
        """Ports in use when every client fetches something as well."""
        return self.least + self.users * PARALLEL_HTTPS

    def formula(self) -> str:
        """Show how the number of ports comes about."""
        parts = [
            f"{self.users} clients x (1 WebSocket + {PARALLEL_HTTPS} parallel HTTPS)" if self.users else "",
            f"{self.calls} calls x 1 audio" if self.calls else "",
            f"{self.video} with video" if self.video else "",
            f"{self.sharing} with sharing" if self.sharing else "",
            f"{self.gateway_calls} calls of gateways x 1 audio" if self.gateway_calls else "",
        ]
        return f"{' + '.join(filter(None, parts)) or '0'} = {self.busy} ports, {self.least} of them permanent or media"
