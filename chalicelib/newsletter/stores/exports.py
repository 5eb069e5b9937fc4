"""The subscribers of a state, for exports: reads the whole table."""

from chalicelib import aws
from chalicelib.aws import Item
from chalicelib.newsletter.filters import ALL
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import items
from chalicelib.settings import current


def page(
    state: str, cursor: Item | None = None, share: tuple[int, int] = (1, 1)
) -> tuple[list[Subscriber], Item | None]:
    """Return a page of the subscribers of a state, or of `all`, and where the next one begins.

    With a `share`, such as the second of four, it reads that much of the table: each subscriber
    is in one share for good.
    """
    number, of = share
    asked: Item = {
        "TableName": current().contacts_table,
        "Segment": number - 1,
        "TotalSegments": of,
        "FilterExpression": "sk = :sub",
        "ExpressionAttributeValues": {":sub": aws.pack("SUB")},
    }
    if state != ALL:
        asked["FilterExpression"] += " AND #state = :state"
        asked["ExpressionAttributeNames"] = {"#state": "state"}
        asked["ExpressionAttributeValues"][":state"] = aws.pack(state)
    start = {"ExclusiveStartKey": cursor} if cursor else {}
    read = aws.call("scan", **asked, **start)
    found = [items.unpack(aws.unpack_item(item)) for item in read["Items"]]
    return found, read.get("LastEvaluatedKey")
