"""How long things are left idle, to see whether they live: short by default, long with ``--full``."""

from __future__ import annotations

from dataclasses import replace

from rainbow_probe.net.route import Route
from rainbow_probe.options import Options

SHORT_HOLD = 0.25  # seconds idle
NEEDED = 60.0  # seconds idle: web clients ping within them, so a path must hold that long
LONG_HOLD = 62.0  # a little more, as a client's ping comes with the 60th second at the latest
WAITS = (10.0, 20.0, 30.0, 45.0, 60.0, 75.0, 90.0, 110.0)  # of links side by side; a server may end any after 120 s
UDP_WAITS = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0, 75.0, 90.0, 110.0)
UDP_NEEDED = 15.0  # seconds of silence: ICE sends something then, RFC 8445 section 11
PUSH_SHARES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15)  # fifteenths of --push-idle after which a link is woken


def with_waits(route: Route, options: Options) -> Route:
    """Return *route* with the waits that were asked for."""
    scale = options.idle_scale
    return replace(
        route,
        idle_hold=LONG_HOLD * scale if options.full else 0.0 if options.quick else SHORT_HOLD,
        idle_waits=tuple(wait * scale for wait in WAITS) if options.full else (),
        idle_needed=NEEDED * scale,
        udp_waits=tuple(wait * scale for wait in UDP_WAITS) if options.full else (),
        udp_needed=UDP_NEEDED * scale,
        push_waits=tuple(options.push_idle * n / PUSH_SHARES[-1] for n in PUSH_SHARES if options.push_idle),
    )
