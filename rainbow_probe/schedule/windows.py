"""A task for the Task Scheduler of Windows, as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from subprocess import list2cmdline

from rainbow_probe.options import UsageError
from rainbow_probe.schedule.shapes import Entry, File
from rainbow_probe.schedule.task import Task
from rainbow_probe.schedule.timing import DAY, Timing

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
MOST_TRIGGERS, LONGEST_PATH = 48, 260  # by the Task Scheduler schema: triggerGroup, pathType
_BEGIN = "2026-01-01T"  # any day that has been: from then on


def entry(task: Task, timing: Timing) -> Entry:
    """Return the task, of this user; Windows starts no second one beside it, and delays it by chance."""
    name = f"\\Rainbow Probe\\{task.name}"
    file = File(path=task.folder / f"rainbow-probe-{task.name}.xml", text=_xml(task, timing), encoding="utf-16")
    return Entry(
        files=(file,),
        install=(("schtasks", "/Create", "/F", "/TN", name, "/XML", str(file.path)),),
        remove=(("schtasks", "/Delete", "/F", "/TN", name),),
        look=f'schtasks /Query /V /FO LIST /TN "{name}"',
    )


def _xml(task: Task, timing: Timing) -> str:
    if odd := [word for word in (*task.words, str(task.folder)) if "%" in word]:
        raise UsageError(
            f"schedule: {odd[0]!a}: the Task Scheduler would take what is between percent signs for a variable"
        )
    if len(timing.at) > MOST_TRIGGERS:
        raise UsageError(f"--at: {len(timing.at)} times are too many; the Task Scheduler takes {MOST_TRIGGERS}")
    if long := [path for path in (task.words[0], str(task.folder)) if len(path) > LONGEST_PATH]:
        raise UsageError(f"schedule: {long[0]!a}: the Task Scheduler takes paths of {LONGEST_PATH} characters at most")
    top = ET.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    _put(top, "RegistrationInfo", {"Description": f"Rainbow Probe ({task.name})"})
    triggers = ET.SubElement(top, "Triggers")
    for begin in _beginnings(timing):
        _trigger(triggers, begin, timing)
    settings = {
        "MultipleInstancesPolicy": "IgnoreNew",
        "DisallowStartIfOnBatteries": "false",
        "StopIfGoingOnBatteries": "false",
        "StartWhenAvailable": "true",
        "RunOnlyIfNetworkAvailable": "false",
        "ExecutionTimeLimit": "PT30M",
    }
    _put(top, "Settings", settings)
    action = {"Command": task.words[0], "Arguments": list2cmdline([*task.words[1:], "--quiet"])}
    _put(ET.SubElement(top, "Actions"), "Exec", {**action, "WorkingDirectory": str(task.folder)})
    ET.indent(top)
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{ET.tostring(top, encoding="unicode")}\n'


def _trigger(triggers: ET.Element, begin: str, timing: Timing) -> None:
    """Add one; the order of the elements is the schema's."""
    trigger = ET.SubElement(triggers, "CalendarTrigger")
    ET.SubElement(trigger, "StartBoundary").text = begin
    if timing.every and timing.every < DAY:
        _put(
            trigger,
            "Repetition",
            {"Interval": f"PT{timing.every // 60}M", "Duration": "P1D", "StopAtDurationEnd": "false"},
        )
    ET.SubElement(trigger, "RandomDelay").text = f"PT{timing.jitter}S"
    _put(trigger, "ScheduleByDay", {"DaysInterval": "1"})


def _beginnings(timing: Timing) -> Iterator[str]:
    for minute in timing.at or (0,):
        yield f"{_BEGIN}{minute // 60:02}:{minute % 60:02}:00"


def _put(parent: ET.Element, name: str, texts: dict[str, str]) -> None:
    element = ET.SubElement(parent, name)
    for child, text in texts.items():
        ET.SubElement(element, child).text = text
