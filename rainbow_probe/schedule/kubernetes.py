"""A CronJob for Kubernetes, with a place for the runs that are kept, and the site file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from rainbow_probe.options import UsageError
from rainbow_probe.schedule.cron import schedules
from rainbow_probe.schedule.shapes import Entry, File
from rainbow_probe.schedule.task import Task
from rainbow_probe.schedule.timing import Timing

_SITE, _DATA, _SECRETS = "/etc/rainbow-probe", "/var/lib/rainbow-probe", "/etc/rainbow-probe/secrets"
_USER = 10001  # of the image
HEAD = """\
# kubectl apply -f FILE
# Passwords: in a Secret of the name {name}. Its keys become variables, for { env = "KEY" } in the site file, and files
# in /etc/rainbow-probe/secrets, for { file = "secrets/KEY" }.
"""


def entry(task: Task, timing: Timing, image: str) -> Entry:
    """Return the manifests; a job is not started beside another one, and the probe delays itself."""
    name = f"rainbow-probe-{task.name}"
    made = [_claim(name), *_site(task, name)]
    made += [_cronjob(task, timing, name, image, schedule, place) for place, schedule in enumerate(schedules(timing))]
    text = HEAD.replace("{name}", name) + "---\n".join("".join(_yaml(one, 0)) for one in made)
    return Entry(files=(File(path=Path(f"{name}.yaml"), text=text),))


def _claim(name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def _site(task: Task, name: str) -> list[dict[str, object]]:
    if not task.site:
        return []
    try:
        text = Path(task.site).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"--site {task.site}: {exc}") from exc
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"site.toml": text}}]


def _cronjob(task: Task, timing: Timing, name: str, image: str, schedule: str, place: int) -> dict[str, object]:
    words = [f"{_SITE}/site.toml" if word == task.site else word.replace(f"={task.site}", f"={_SITE}/site.toml")
             if task.site and word.startswith("--site=") else word for word in task.run]  # fmt: skip
    arguments = [*words, "--lock", task.name, "--jitter", str(timing.jitter), "--quiet"]
    job = {"backoffLimit": 0, "activeDeadlineSeconds": 1800, "template": {"spec": _pod(task, name, image, arguments)}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name if place == 0 else f"{name}-{place + 1}"},
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 300,
            "jobTemplate": {"spec": job},
        },
    }


def _pod(task: Task, name: str, image: str, arguments: Sequence[str]) -> dict[str, object]:
    mounts = [{"name": "data", "mountPath": _DATA}, {"name": "secrets", "mountPath": _SECRETS, "readOnly": True}]
    volumes: list[object] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": name}},
        {"name": "secrets", "secret": {"secretName": name, "optional": True}},
    ]
    if task.site:
        mounts.append({"name": "site", "mountPath": f"{_SITE}/site.toml", "subPath": "site.toml", "readOnly": True})
        volumes.append({"name": "site", "configMap": {"name": name}})
    container = {
        "name": "probe",
        "image": image,
        "args": [word.replace("$(", "$$(") for word in arguments],  # or Kubernetes would put a variable there
        "env": [{"name": "RAINBOW_PROBE_DATA", "value": _DATA}],
        "envFrom": [{"secretRef": {"name": name, "optional": True}}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": mounts,
    }
    return {
        "hostNetwork": True,  # the node's network is in question, and not that of the pods
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": _USER, "fsGroup": _USER},
        "containers": [container],
        "volumes": volumes,
    }


def _yaml(value: object, depth: int) -> Iterator[str]:
    """Write YAML: a scalar is written as JSON has it, which YAML 1.2 reads the same way."""
    pad = "  " * depth
    if isinstance(value, dict):
        for key, one in cast("Mapping[str, object]", value).items():
            yield from _entry(f"{pad}{key}:", one, depth)
    else:
        for one in cast("Sequence[object]", value):
            yield from _entry(f"{pad}-", one, depth)


def _entry(head: str, value: object, depth: int) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield f"{head}\n"
        yield from _yaml(cast("object", value), depth + 1)
    else:
        yield f"{head} {json.dumps(value, ensure_ascii=False)}\n"
