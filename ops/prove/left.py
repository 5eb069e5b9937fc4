"""The last line: what the run made is gone again. It looks at the stage, not at the journal."""

from chalicelib.newsletter import service as newsletter
from chalicelib.settings import current
from infra import config
from ops.prove.outcomes import Fails
from ops.prove.run import Run
from ops.prove.visitor import address
from ops.words import _

# Mailbox and label of the addresses that are the same in each run.
_ADDRESSES = (
    *(("success", label) for label in ("signup", "leaving", "events", "told")),
    *((mailbox, "ends") for mailbox in ("bounce", "complaint", "suppressionlist")),
)
_GONE = 90.0  # seconds; SQS lists a queue for a minute after it was deleted


def left(run: Run) -> str:
    """Check that no queue, subscription, table or subscriber is left, and that the clock goes."""
    run.journal.end_all()  # what could not be ended before
    found = run.wait(_("everything is gone"), lambda: not _things(run), _GONE)
    if not found:
        raise Fails(_("left: %(things)s", things=", ".join(_things(run))))
    return _("nothing is left, and the clock's schedule is on")


def _things(run: Run) -> list[str]:
    sqs, prefix = run.target.client("sqs"), run.name("prove-")
    found = [
        url.rpartition("/")[2]
        for url in sqs.list_queues(QueueNamePrefix=prefix).get("QueueUrls", ())
    ]
    topics = {current().alerts_topic_arn, current().mail_events_topic_arn}
    topics |= {current().domain_events_topic_arn, current().operators_topic_arn}
    pages = run.target.client("sns").get_paginator("list_subscriptions_by_topic")
    for topic in sorted(filter(None, topics)):
        for page in pages.paginate(TopicArn=topic):
            ends = (each["Endpoint"].rpartition(":")[2] for each in page["Subscriptions"])
            found += [end for end in ends if end.startswith(prefix)]
    dynamodb = run.target.client("dynamodb")
    try:
        table = dynamodb.describe_table(TableName=run.name("prove-restored"))["Table"]
        found.append(table["TableName"])
    except dynamodb.exceptions.ResourceNotFoundException:
        pass
    emails = (address(*each) for each in _ADDRESSES)
    found += [each for each in emails if newsletter.find(each).subscriber]
    return found + _switched_off(run)


def _switched_off(run: Run) -> list[str]:
    """Return the names of the clock's schedules that are off."""
    function = run.target.client("lambda").get_function_configuration(
        FunctionName=config.function_name(run.stage, "clock")
    )["FunctionArn"]
    client = run.target.client("events")
    names = client.list_rule_names_by_target(TargetArn=function)["RuleNames"]
    return [each for each in names if client.describe_rule(Name=each)["State"] != "ENABLED"]
