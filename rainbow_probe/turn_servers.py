"""Which TURN servers there are: given, or candidates that resolve, or found by asking; never a guess."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from collections.abc import Sequence

from rainbow_probe.catalogue import Guide
from rainbow_probe.model import Endpoint, PeerError, Transport
from rainbow_probe.net.names import PATIENCE, Names
from rainbow_probe.net.turns import awake
from rainbow_probe.net.udp import open_udp
from rainbow_probe.options import Options, TurnServer, merged
from rainbow_probe.protocols.turn import Client

LOOK_UP = 8.0  # seconds for all candidates together
PACE = 0.02  # seconds between two addresses: a sweep, but a gentle one
ANSWER = 2.0  # seconds an address has to answer one Binding
MOST = 256  # addresses asked at the most
LARGEST = 65536  # addresses of a network that is asked at all: nobody finds a server in an IPv6 network by asking


async def known_servers(
    options: Options, guide: Guide, names: Names, granted: Sequence[TurnServer] = ()
) -> tuple[TurnServer, ...]:
    """Return the servers to test, in the order of trust of their source: *granted* are those the account was told.

    Those that were given are tested too, as was asked for, and under what was given with them.
    """
    if granted or options.turn:
        return merged((*granted, *options.turn))
    if found := await _that_resolve(guide, names):
        return found
    return await discover(guide) if options.discover else ()


async def _that_resolve(guide: Guide, names: Names) -> tuple[TurnServer, ...]:
    """Return the guide's candidates that DNS knows; without DNS there is nothing to know.

    Some resolvers give an address to whatever does not exist: what names made up on the spot get, is no server's.
    """
    candidates = [name for group in guide.hosts.values() if group.turn for name in group.candidates]
    made_up = [f"{secrets.token_hex(8)}.{above}" for above in sorted({n.partition(".")[2] for n in candidates})]
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(_addresses(name, names)) for name in (*candidates, *made_up)}
    anywhere = {address for name in made_up for address in tasks[name].result()}
    return tuple(TurnServer(host=name) for name in candidates if set(tasks[name].result()) - anywhere)


async def _addresses(name: str, names: Names) -> tuple[str, ...]:
    for limit in (LOOK_UP, PATIENCE):
        try:
            async with asyncio.timeout(limit):
                return (await names.find(name)).addresses
        except TimeoutError:
            if not names.owed(name):
                return ()
        except PeerError:
            return ()
    return ()


async def discover(guide: Guide) -> tuple[TurnServer, ...]:
    """Send one STUN Binding, paced, to UDP/3478 of each address the guide publishes; return who answers."""
    networks = [network for text in guide.ranges if (network := ipaddress.ip_network(text)).num_addresses <= LARGEST]
    addresses = [str(host) for network in networks for host in network.hosts()][:MOST]
    port = next((f.port for f in guide.flows.values() if f.kind == "turn" and f.transport is Transport.UDP), 3478)
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[bool]] = []
        for address in addresses:
            tasks.append(group.create_task(_answers(Endpoint(host=address, port=port))))
            await asyncio.sleep(PACE)
    alive = [address for address, task in zip(addresses, tasks, strict=True) if task.result()]
    return tuple([TurnServer(host=await _named(address)) for address in alive])


async def _answers(address: Endpoint) -> bool:
    try:
        link = await open_udp(address)
    except OSError:
        return False
    binding = Client().binding()
    try:
        await link.send(binding.request)
        async with awake(ANSWER):
            while binding.feed(await link.receive()) is None:
                pass
    except (OSError, TimeoutError):
        return False
    finally:
        link.close()
    return True


async def _named(address: str) -> str:
    """Return the name of *address* if DNS agrees in both directions, so that its certificate can be judged."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError, UnicodeError):  # a name in reverse DNS may be none at all
        async with asyncio.timeout(ANSWER):
            name, _ = await loop.getnameinfo((address, 0), socket.NI_NAMEREQD)
            entries = await loop.getaddrinfo(name, None)
            return name if address in {str(entry[4][0]) for entry in entries} else address
    return address


__all__: Sequence[str] = ("discover", "known_servers")
