"""The confirmed subscribers, for exports: reads the whole table."""

from chalicelib import aws
from chalicelib.aws import Item
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import items
from chalicelib.settings import current


def confirmed(
    cursor: Item | None = None, share: tuple[int, int] = (1, 1)
) -> tuple[list[Subscriber], Item | None]:
    """Return a page of the confirmed subscribers, and where the next one begins.

    With a `share`, such as the second of four, it reads that much of the table: each subscriber
    is in one share for good.
    """
    number, of = share
    asked: Item = {
        "TableName": current().contacts_table,
        "Segment": number - 1,
        "TotalSegments": of,
        "FilterExpression": "sk = :sub AND #state = :confirmed",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":sub": aws.pack("SUB"),
            ":confirmed": aws.pack("confirmed"),
        },
    }
    start = {"ExclusiveStartKey": cursor} if cursor else {}
    page = aws.call("scan", **asked, **start)
    found = [items.unpack(aws.unpack_item(item)) for item in page["Items"]]
    return found, page.get("LastEvaluatedKey")
