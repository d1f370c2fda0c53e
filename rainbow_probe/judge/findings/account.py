"""What the service says of the account it was given: the network let both the question and the answer pass."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import failure
from rainbow_probe.judge.words import CAUSES, sentence
from rainbow_probe.model import Cause, Who

FIVE = "Five wrong passwords lock an account for an hour, so it was tried once and is not tried again in a run"
FIXES: Mapping[Cause, str] = MappingProxyType({
    Cause.ACCOUNT_WRONG: f"Correct the login (--account) and its password before the next run. {FIVE}.",
    Cause.ACCOUNT_LOCKED: "Wait an hour, or have the company's administrator unlock it; then give the right password.",
    Cause.ACCOUNT_INACTIVE: "Have the company's administrator activate the user and the company, or take another.",
    Cause.ACCOUNT_REFUSED: "Check the application's id and secret, and what this account may do; the detail quotes "
    "the service.",
})


def refused(scene: Scene) -> list[Found]:
    """Quote what the service does not accept; nothing of the network is at fault."""
    told = {r.flow.id for r in scene.results if failure(r)} - {r.flow.id for r in scene.failing}  # by another finding
    left = [result for result in scene.results if result.flow.id not in told]
    met = [(result, seen) for result in left if (seen := result.verdict.failure) and seen.cause in FIXES]
    return [
        Found(
            id=seen.cause.value,
            title=sentence(CAUSES[seen.cause]).removesuffix("."),
            who=Who.ENDPOINT,
            fix=FIXES[seen.cause],
            claims=(result,),
            detail=seen.detail,
        )
        for result, seen in met
    ]
