"""Who acts on a finding, in words that a site's administrator uses."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.terms import Who

ACTORS: Mapping[Who, str] = MappingProxyType({
    Who.FIREWALL: "whoever runs the firewall",
    Who.PROXY: "whoever runs the proxy",
    Who.DNS: "whoever runs DNS",
    Who.TLS_INSPECTION: "whoever runs TLS inspection",
    Who.ENDPOINT: "whoever looks after this machine",
    Who.PROVIDER: "the provider of the service",
})
