"""DynamoDB's rules: of each, the largest value that is accepted and the smallest that is refused.

Each case runs twice: with our function, and with boto3 against the emulator behind its gate.
"""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.serialize import create_serializer

from local.aws import dynamodb, expressions
from local.cloud import Cloud

ITEM, TRANSACTION = 409_600, 4_194_304  # bytes
TABLE = {"TableName": "aws-rules"}
TEXT = {"S": "x"}
Case = tuple[str, str, dict[str, Any]]  # what it is, operation, parameters


def key(pk: str = "a", sk: str = "b") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def item(size: int, pk: str = "a") -> dict[str, Any]:
    """Return an item of a size in DynamoDB's bytes."""
    return {**key(pk), "text": {"S": "x" * (size - len("pk" + pk + "sk" + "b" + "text"))}}


def put(given: dict[str, Any], condition: str | None = None, **more: Any) -> dict[str, Any]:
    conditional = {"ConditionExpression": condition} if condition else {}
    return {**TABLE, "Item": given, **conditional, **values(more)}


def update(expression: str, **more: Any) -> dict[str, Any]:
    return {**TABLE, "Key": key(), "UpdateExpression": expression, **values(more)}


def at(condition: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a read, a delete or a check of one item."""
    conditional = {"ConditionExpression": condition} if condition else {}
    return {**TABLE, "Key": key(), **conditional, **values(more)}


def query(condition: str = "pk = :pk", **more: Any) -> dict[str, Any]:
    return {**TABLE, "KeyConditionExpression": condition, **values({":pk": TEXT, **more})}


def values(more: dict[str, Any]) -> dict[str, Any]:
    """Sort `:v` and `#n` into the parameters where they are defined."""
    kinds = (("Values", ":"), ("Names", "#"))
    sorted_in: dict[str, Any] = {}
    for kind, sign in kinds:
        if own := {name: said for name, said in more.items() if name.startswith(sign)}:
            sorted_in[f"ExpressionAttribute{kind}"] = own
    return {**sorted_in, **{n: said for n, said in more.items() if n[0] not in ":#"}}


def write(*members: dict[str, Any]) -> dict[str, Any]:
    return {"TransactItems": list(members)}


def puts(count: int) -> list[dict[str, Any]]:
    return [{"Put": put(key(str(number)))} for number in range(count)]


def gets(count: int) -> list[dict[str, Any]]:
    return [{"Get": {**TABLE, "Key": key(str(number))}} for number in range(count)]


def batch(members: Any) -> dict[str, Any]:
    return {"RequestItems": {TABLE["TableName"]: members}}


def keys(count: int, **more: Any) -> dict[str, Any]:
    return batch({"Keys": [key(str(number)) for number in range(count)], **values(more)})


def megabytes(size: int) -> list[dict[str, Any]]:
    """Return the members of a transaction whose items have a size in all."""
    sizes = [ITEM] * (size // ITEM) + [size % ITEM]
    return [{"Put": put(item(each, f"{number:02}"))} for number, each in enumerate(sizes)]


def padded(expression: str, size: int) -> str:
    return expression + " " * (size - len(expression))


KEPT = "attribute_not_exists(pk)"
SET = {"SS": ["a"]}
ACCEPTED: list[Case] = [
    ("a reserved word by a placeholder", "PutItem", put(key(), "#n <> :v", **{"#n": "name", ":v": TEXT})),
    ("functions and operators", "PutItem", put(key(), "NOT contains(a, :v) OR size(b) IN (:v, :w) OR c BETWEEN :v AND :v", **{":v": TEXT, ":w": {"N": "1"}})),
    ("an update's clauses", "UpdateItem", update("SET a1 = if_not_exists(b1, :n), c1 = list_append(:l, :l) REMOVE d1 ADD e1 :n DELETE f1 :s", **{":n": {"N": "1"}, ":l": {"L": []}, ":s": SET})),
    ("a nested name", "GetItem", at(ProjectionExpression="pk, a1.b1[0].c1")),
    ("an expression of 4 KB", "PutItem", put(key(), padded(KEPT, 4096))),
    ("400 KB", "PutItem", put(item(ITEM))),
    ("400 KB in a transaction", "TransactWriteItems", write({"Put": put(item(ITEM))})),
    ("100 members", "TransactWriteItems", write(*puts(100))),
    ("100 members to read", "TransactGetItems", write(*gets(100))),
    ("100 in a batch", "BatchGetItem", keys(100)),
    ("25 in a batch", "BatchWriteItem", batch([{"PutRequest": {"Item": key(str(n))}} for n in range(25)])),
    ("the largest keys", "PutItem", put(key("p" * 2048, "s" * 1024))),
    ("an empty text that is no key", "PutItem", put({**key(), "text": {"S": ""}})),
    ("two items of one partition", "TransactWriteItems", write({"Put": put(key("a", "b"))}, {"Put": put(key("a", "c"))})),
]  # fmt: skip
REFUSED: list[Case] = [
    ("reserved, condition", "PutItem", put(key(), "attribute_not_exists(name)")),
    ("reserved, delete", "DeleteItem", at("attribute_exists(Status)")),
    ("reserved, update", "UpdateItem", update("SET name = :v", **{":v": TEXT})),
    ("reserved, add", "UpdateItem", update("ADD total :v", **{":v": {"N": "1"}})),
    ("reserved, remove", "UpdateItem", update("SET a = :v REMOVE ttl", **{":v": TEXT})),
    ("reserved, nested", "UpdateItem", update("SET a1.data = :v", **{":v": TEXT})),
    ("reserved, inside a function", "UpdateItem", update("SET a1 = if_not_exists(hash, :v)", **{":v": TEXT})),
    ("reserved, inside size", "PutItem", put(key(), "size(items) = :v", **{":v": {"N": "1"}})),
    ("reserved, read", "GetItem", at(ProjectionExpression="pk, name")),
    ("reserved, read, nested", "GetItem", at(ProjectionExpression="pk, a1.name")),
    ("reserved, query", "Query", query(ProjectionExpression="pk, name")),
    ("reserved, key condition", "Query", query("pk = :pk AND date = :pk")),
    ("reserved, filter", "Query", query(FilterExpression="state = :pk")),
    ("reserved, scan", "Scan", {**TABLE, "FilterExpression": "attribute_exists(state)"}),
    ("reserved, scan's projection", "Scan", {**TABLE, "ProjectionExpression": "state"}),
    ("reserved, batch", "BatchGetItem", keys(1, ProjectionExpression="pk, name")),
    ("reserved, transaction put", "TransactWriteItems", write({"Put": put(key(), "attribute_exists(name)")})),
    ("reserved, transaction update", "TransactWriteItems", write({"Update": update("SET name = :v", **{":v": TEXT})})),
    ("reserved, transaction delete", "TransactWriteItems", write({"Delete": at("attribute_exists(name)")})),
    ("reserved, transaction check", "TransactWriteItems", write({"ConditionCheck": at("attribute_exists(name)")})),
    ("reserved, transaction read", "TransactGetItems", write({"Get": at(ProjectionExpression="name")})),
    ("an unused value", "PutItem", put(key(), KEPT, **{":v": TEXT})),
    ("an unused name", "PutItem", put(key(), KEPT, **{"#n": "name"})),
    ("an unused value, query", "Query", query("pk = :pk", **{":v": TEXT})),
    ("an unused name, batch", "BatchGetItem", keys(1, ProjectionExpression="pk", **{"#n": "name"})),
    ("an unused name, transaction read", "TransactGetItems", write({"Get": at(ProjectionExpression="pk", **{"#n": "name"})})),
    ("an unused value, transaction", "TransactWriteItems", write({"Update": update("REMOVE a", **{":v": TEXT})})),
    ("values without an expression", "PutItem", put(key(), None, **{":v": TEXT})),
    ("an undefined value", "PutItem", put(key(), "a1 = :v")),
    ("an undefined name", "PutItem", put(key(), "attribute_exists(#n)")),
    ("an expression of 4,097 bytes", "PutItem", put(key(), padded(KEPT, 4097))),
    ("4,097 bytes, batch", "BatchGetItem", keys(1, ProjectionExpression=padded("pk", 4097))),
    ("400 KB and a byte", "PutItem", put(item(ITEM + 1))),
    ("400 KB and a byte, transaction", "TransactWriteItems", write({"Put": put(item(ITEM + 1))})),
    ("400 KB and a byte, batch", "BatchWriteItem", batch([{"PutRequest": {"Item": item(ITEM + 1)}}])),
    ("4 MB and a byte", "TransactWriteItems", write(*megabytes(TRANSACTION + 1))),
    ("101 members", "TransactWriteItems", write(*puts(101))),
    ("101 members to read", "TransactGetItems", write(*gets(101))),
    ("101 in a batch", "BatchGetItem", keys(101)),
    ("26 in a batch", "BatchWriteItem", batch([{"PutRequest": {"Item": key(str(n))}} for n in range(26)])),
    ("one item twice", "TransactWriteItems", write({"Put": put(key())}, {"Delete": at()})),
    ("an empty set", "PutItem", put({**key(), "s": {"SS": []}})),
    ("an empty set of numbers, nested", "PutItem", put({**key(), "s": {"L": [{"M": {"a": {"NS": []}}}]}})),
    ("an empty set, update", "UpdateItem", update("SET a = :v", **{":v": {"BS": []}})),
    ("an empty set, transaction", "TransactWriteItems", write({"Update": update("SET a = :v", **{":v": {"SS": []}})})),
    ("an empty partition key", "PutItem", put(key(""))),
    ("an empty sort key", "PutItem", put(key("a", ""))),
    ("an empty key to read", "GetItem", {**TABLE, "Key": key("")}),
    ("an empty key, batch", "BatchGetItem", batch({"Keys": [key("")]})),
    ("a partition key of 2,049", "PutItem", put(key("p" * 2049))),
    ("a partition key of 2,049 bytes", "PutItem", put(key("ü" * 1024 + "p"))),
    ("a sort key of 1,025", "GetItem", {**TABLE, "Key": key("a", "s" * 1025)}),
]  # fmt: skip


@pytest.fixture(scope="module")
def client(cloud: Cloud) -> Iterator[Any]:
    made = cloud.client("dynamodb")
    made.create_table(
        **TABLE,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    yield made
    made.delete_table(**TABLE)


accepted = pytest.mark.parametrize(
    ("what", "operation", "asked"), ACCEPTED, ids=[each[0] for each in ACCEPTED]
)
refused = pytest.mark.parametrize(
    ("what", "operation", "asked"), REFUSED, ids=[each[0] for each in REFUSED]
)


@accepted
def test_accepted(what: str, operation: str, asked: dict[str, Any]) -> None:
    assert dynamodb.refusal(operation, asked) is None


@refused
def test_refused(what: str, operation: str, asked: dict[str, Any]) -> None:
    answer = dynamodb.refusal(operation, asked)
    assert answer is not None
    assert answer.code == "ValidationException"
    assert ("reserved keyword" in answer.message) == what.startswith("reserved")


@accepted
def test_the_cloud_accepts(client: Any, what: str, operation: str, asked: dict[str, Any]) -> None:
    try:
        client._make_api_call(operation, asked)
    except ClientError as error:  # what the condition or the path says of the item is no matter
        code = error.response["Error"]["Code"]
        said = error.response["Error"]["Message"]
        assert code == "ConditionalCheckFailedException" or "document path" in said, said


@refused
def test_the_cloud_refuses(client: Any, what: str, operation: str, asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        client._make_api_call(operation, asked)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_four_megabytes() -> None:
    assert dynamodb.refusal("TransactWriteItems", write(*megabytes(TRANSACTION))) is None


def test_how_an_item_is_measured() -> None:
    kinds = {
        "S": ("größe", 7),
        "N": ("-12345.60", 4),
        "B": (base64.b64encode(b"abc").decode(), 3),
        "BOOL": (True, 1),
        "NULL": (True, 1),
        "SS": (["ab", "c"], 3),
        "NS": (["1", "22"], 4),
        "BS": ([base64.b64encode(b"abc").decode()], 3),
        "L": ([{"S": "ab"}, {"BOOL": True}], 3 + 1 + 2 + 1 + 1),
        "M": ({"ä": {"S": "ab"}}, 3 + 1 + 2 + 2),
    }
    for kind, (value, weight) in kinds.items():
        assert dynamodb.measured({"n": {kind: value}}) == 1 + weight, kind


def test_a_small_request_has_no_large_item(client: Any) -> None:
    """Its JSON is never shorter than its item is in DynamoDB's bytes."""
    operation = client.meta.service_model.operation_model("PutItem")
    serializer = create_serializer("json")
    for value in ({"S": "ü" * 9}, {"B": b"\xff" * 9}, {"N": "1"}, {"L": [{"NULL": True}]}):
        body = serializer.serialize_to_request(put({**key(), "a": value}), operation)["body"]
        kept = {"B": base64.b64encode(b"\xff" * 9).decode()} if "B" in value else value
        assert dynamodb.measured({**key(), "a": kept}) <= len(body)


def test_the_list_of_reserved_words() -> None:
    assert len(expressions.RESERVED) == 573
    assert {"ABORT", "NAME", "STATUS", "TTL", "ZONE"} <= expressions.RESERVED
