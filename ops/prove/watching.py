"""Lines about what watches the stage: metrics, alarms, and the clock's schedule."""

import json
import time
from datetime import timedelta
from typing import Any

from chalicelib import instants
from infra import config
from infra.alarms import alarms, namespace
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Hear, Run
from ops.words import _

# Metrics that every tick of the clock reports.
_EACH_TICK = ("Ticks", "Oldest")
_REPORTED = 15  # minutes until they are there
_TOLD = 120.0  # seconds until an alarm's news has come
_SILENT = (30, 20)  # minutes until `clock-silent` fires, and until it has ended
_BY_HAND = "messages-failed"  # the alarm that is set by hand
_LOGGED = 20.0  # seconds until a tick is in the log, on AWS


def metrics(run: Run) -> str:
    """Check that what the clock logs arrives as metrics."""
    run.operators()
    client = run.target.client("cloudwatch")
    began = instants.now() - timedelta(minutes=_REPORTED)

    def reported() -> dict[str, int]:
        found = {}
        for name in _EACH_TICK:
            points = client.get_metric_statistics(
                Namespace=namespace(run.stage),
                MetricName=name,
                StartTime=began,
                EndTime=instants.now() + timedelta(minutes=1),
                Period=60,
                Statistics=["SampleCount"],
            )["Datapoints"]
            found[name] = round(sum(each["SampleCount"] for each in points))
        return found if all(found.values()) else {}

    found = run.wait(_("the metrics appear"), reported, _REPORTED * run.minute)
    if not found:
        raise Fails(
            _(
                "no metrics of the clock in %(space)s within %(minutes)s minutes",
                space=namespace(run.stage),
                minutes=_REPORTED,
            )
        )
    return ", ".join(f"{name}: {count}" for name, count in found.items())


def alarm(run: Run) -> str:
    """Check that an alarm tells the operators' topic when it begins, and when it ends."""
    topic, name = run.operators(), run.name(_BY_HAND)
    run.spare_people(topic)
    client = run.target.client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=run.name(""))
    found = [each for page in pages for each in page["MetricAlarms"]]
    missing = {run.name(each.name) for each in alarms(run.stage)} - {
        each["AlarmName"] for each in found
    }
    if missing:
        raise Fails(_("missing: %(alarms)s", alarms=", ".join(sorted(missing))))
    if next(each["StateValue"] for each in found if each["AlarmName"] == name) == "ALARM":
        raise NotDone(_("the alarm %(name)s is on: mend its cause first", name=name))
    began = time.monotonic()
    with run.heard(topic, "operators") as hear:
        with run.journal.made_here("alarm", name=name):
            reason = "make prove: there is nothing to do"
            client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason)
            _tells(run, hear, name, "ALARM", _TOLD)
        # CloudWatch takes the state back by itself, or the end of the journal's entry does.
        _tells(run, hear, name, "OK", _TOLD)
    return _(
        "%(count)s alarms; beginning and end heard within %(s)s s",
        count=len(found),
        s=round(time.monotonic() - began),
    )


def schedule(run: Run) -> str:
    """Check that the clock stands while its schedule is off, and goes on afterwards."""
    rule = _rule(run)
    with run.journal.made_here("rule", name=rule):
        run.target.client("events").disable_rule(Name=rule)
        run.pause(_("a tick that is under way ends"), run.minute)
        off = time.time()
        run.pause(_("the clock stands"), 2 * run.minute)
        if run.on_aws:
            run.pause(_("the log is complete"), _LOGGED)
        if count := len(_ticks(run, off)):
            raise Fails(_("ticks while it was off: %(count)s", count=count))
    on = time.time()
    within = 3 * run.minute + _LOGGED
    ticks = run.wait(_("the clock goes on"), lambda: _ticks(run, on), within)
    if not ticks:
        raise Fails(_("no tick within %(s)s s after it was on again", s=round(within)))
    return _(
        "no tick for %(off)s s; the next one %(on)s s after it was on again",
        off=round(on - off),
        on=max(0, round(ticks[0] - on)),
    )


def silent(run: Run) -> str:
    """Check that `clock-silent` fires while the clock stands, and ends when it goes on."""
    topic, name, rule = run.operators(), run.name("clock-silent"), _rule(run)
    run.spare_people(topic)
    with run.heard(topic, "operators") as hear:
        began = time.monotonic()
        with run.journal.made_here("rule", name=rule):
            run.target.client("events").disable_rule(Name=rule)
            _tells(run, hear, name, "ALARM", _SILENT[0] * run.minute)
            fired = time.monotonic()
        _tells(run, hear, name, "OK", _SILENT[1] * run.minute)
    return _(
        "fired after %(fired)s minutes, ended %(ended)s minutes after the clock went on",
        fired=round((fired - began) / run.minute),
        ended=round((time.monotonic() - fired) / run.minute),
    )


def _tells(run: Run, hear: Hear, name: str, state: str, seconds: float) -> None:
    """Wait until the topic tells that an alarm is in a state. Raises Fails."""

    def told() -> bool:
        return any(_alarm(each) == (name, state) for each in hear())

    what = _("%(alarm)s tells %(state)s", alarm=name, state=state)
    if not run.wait(what, told, seconds):
        raise Fails(
            _(
                "%(alarm)s has not told %(state)s within %(s)s s",
                alarm=name,
                state=state,
                s=round(seconds),
            )
        )


def _alarm(envelope: dict[str, Any]) -> tuple[str, str]:
    try:
        told = json.loads(envelope["Message"])
        return told["AlarmName"], told["NewStateValue"]
    except (ValueError, KeyError, TypeError):
        return "", ""


def _rule(run: Run) -> str:
    """Return the name of the clock's schedule. Raises NotDone where it is off already."""
    function = run.target.client("lambda").get_function_configuration(
        FunctionName=config.function_name(run.stage, "clock")
    )["FunctionArn"]
    client = run.target.client("events")
    for name in client.list_rule_names_by_target(TargetArn=function)["RuleNames"]:
        if client.describe_rule(Name=name)["State"] != "ENABLED":
            told = _("the schedule %(name)s is switched off: switch it on first", name=name)
            raise NotDone(told)
        return str(name)
    raise Fails(_("the clock has no schedule"))


def _ticks(run: Run, since: float) -> list[float]:
    """Return the times of the clock's invocations since a time, by Lambda's own lines."""
    client = run.target.client("logs")
    group = f"/aws/lambda/{config.function_name(run.stage, 'clock')}"
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern='"START RequestId"', startTime=int(since * 1000)
    )
    return sorted(each["timestamp"] / 1000 for page in pages for each in page["events"])
