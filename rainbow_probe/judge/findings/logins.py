"""The proxy wants to know who is there: nobody was named, the wrong one, or one who cannot be proven from here."""

from __future__ import annotations

from collections.abc import Sequence

from rainbow_probe.judge.findings.proxy import details, with_cause
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import fact, facts, untried
from rainbow_probe.judge.words import named
from rainbow_probe.model import Cause, Phase, Result, Who

GIVE = "--proxy-user NAME (DOMAIN\\NAME or NAME@REALM in a domain) with the password in RAINBOW_PROBE_PROXY_PASSWORD"
EXEMPT = "or have the proxy let this machine, or the service's names, through without a log-in"
OWN = "this user's"  # how the fact ``login`` begins where no password was given
TICKET = "run it as a user who is logged on to the domain (klist shows the ticket, kinit gets one)"


def authentication(scene: Scene) -> list[Found]:
    """Say that the proxy wants credentials: its own answer (407) is the proof.

    What could not be tried from here is no failure of the clients: they may have the ticket that this user lacks.
    """
    asked = with_cause(scene, Cause.PROXY_AUTH)
    left = [result for result in scene.results if untried(result)]
    if not asked and not left:
        return []
    met = [*asked, *left]
    offered = list(dict.fromkeys(word for result in met for word in _offered(result)))
    title, who, fix = _broken(asked) or (_refused(asked, scene) if asked else _elsewhere(offered, scene))
    return [
        Found(
            id="proxy-auth",
            title=f"The proxy {title}" + (f" (it offers {named(offered)})" if offered else ""),
            who=who,
            fix=fix,
            claims=tuple(met),
            detail=details(met),
        )
    ]


def _offered(result: Result) -> list[str]:
    told = (str(value) for value in facts(result, "offered", Phase.PROXY))
    return [word.strip() for text in told for word in text.split(",") if word.strip()]


def _broken(asked: Sequence[Result]) -> tuple[str, Who, str] | None:
    scheme = next(filter(None, (fact(result, "broken_off", Phase.PROXY) for result in asked)), "")
    if not scheme:
        return None
    fix = (
        "Have the proxy, and what stands before it (a load balancer), keep the connection open between its 407 and the "
        f"answer, or offer Digest or Basic beside {scheme}."
    )
    return f"closes the connection in the middle of {scheme}, which needs it for the whole exchange", Who.PROXY, fix


def _refused(asked: Sequence[Result], scene: Scene) -> tuple[str, Who, str]:
    sent = next(filter(None, (fact(result, "login", Phase.PROXY) for result in asked)), "")
    given = scene.site.proxy is not None and scene.site.proxy.credentials is not None
    if sent.startswith(OWN):
        told = "Check that the ticket is for the right realm and that the proxy knows its own name as this machine does"
        return f"does not accept {sent}", Who.ENDPOINT, f"{told}; or give {GIVE}."
    if sent or given:
        fix = (
            "Correct the user and the password in the proxy setting (--proxy-user, RAINBOW_PROBE_PROXY_USER and "
            "_PASSWORD). They were tried once and no more, as a second attempt could lock the account: look first "
            "whether it is locked already."
        )
        return "does not accept the credentials it was given", Who.ENDPOINT, fix
    return "wants credentials, and there are none", Who.ENDPOINT, f"Give the user and the password: {GIVE}; {EXEMPT}."


def _elsewhere(offered: Sequence[str], scene: Scene) -> tuple[str, Who, str]:
    known = {word.lower() for word in offered}
    given = scene.site.proxy is not None and scene.site.proxy.credentials is not None
    ways = [TICKET] if "negotiate" in known else []
    ways += [f"give {GIVE}"] if not given and known & {"ntlm", "digest", "basic", "negotiate"} else []
    ways += ["have the proxy offer a scheme that this probe knows (Negotiate, NTLM, Digest, Basic)"] if not ways else []
    told = "What is behind the proxy could not be judged: clients whose user is logged on to the domain may get through"
    return "wants a log-in that cannot be made from here", Who.ENDPOINT, f"{told}. To test it, {', or '.join(ways)}."
