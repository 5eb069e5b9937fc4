"""The double refuses what DynamoDB refuses, and whatever it does not know."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.articles.simulation.double import Double, Refused
from tests.expressions import Item, Unknown, holds, updated

ONE = {":one": {"N": "1"}}
now = [datetime(2026, 11, 23, tzinfo=UTC)]


def nothing() -> None:
    """Do nothing while a transaction is in flight."""


@pytest.fixture
def double() -> Double:
    return Double(random.Random(1), lambda: now[0])


def add(sk: str, condition: str = "") -> Item:
    member = {
        "TableName": "counts",
        "Key": {"pk": {"S": "A"}, "sk": {"S": sk}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": ONE,
    }
    return {"Update": {**member, **({"ConditionExpression": condition} if condition else {})}}


def transact(double: Double, token: str, *members: Item) -> None:
    double.operate(
        "TransactWriteItems", {"ClientRequestToken": token, "TransactItems": list(members)}, nothing
    )


def n(double: Double, sk: str) -> str | None:
    item = double.tables["counts"].get(("A", sk))
    return str(item["n"]["N"]) if item else None


@pytest.mark.parametrize(
    "expression", ["a <> :one", "size(a) = :one", "a = :one OR b = :one", "NOT a = :one"]
)
def test_an_unknown_condition_is_not_passed_over(expression: str) -> None:
    with pytest.raises(Unknown):
        holds(expression, {}, ONE, {})


@pytest.mark.parametrize(
    "expression", ["DELETE a :one", "SET a = a + :one", "SET a = list_append(a, :one)"]
)
def test_an_unknown_update_is_not_passed_over(expression: str) -> None:
    with pytest.raises(Unknown):
        updated(expression, {}, ONE, {})


def test_conditions_and_updates_of_several_parts() -> None:
    item, said = (
        {"a": {"N": "5"}, "s": {"S": "DAY#1"}},
        {**ONE, ":nine": {"N": "9"}, ":day": {"S": "DAY"}},
    )
    assert holds(
        "attribute_exists(a) AND a BETWEEN :one AND :nine AND begins_with(s, :day)", item, said, {}
    )
    assert not holds("attribute_not_exists(#x)", item, said, {"#x": "a"})
    after = updated(
        "SET a = if_not_exists(a, :one), b = if_not_exists(b, :one) ADD c :one, a :nine",
        item,
        said,
        {},
    )
    assert (after["b"], after["c"], after["a"]) == ({"N": "1"}, {"N": "1"}, {"N": "14"})


def test_a_transaction_is_all_or_nothing_and_says_what_failed(double: Double) -> None:
    with pytest.raises(Refused) as refused:
        transact(double, "t", add("1"), add("2", "attribute_exists(pk)"), add("3"))
    assert refused.value.reasons == ["None", "ConditionalCheckFailed", "None"]
    assert n(double, "1") is None


def test_a_token_is_good_for_ten_minutes_and_one_request(double: Double) -> None:
    transact(double, "t", add("1"))
    transact(double, "t", add("1"))
    assert n(double, "1") == "1"
    with pytest.raises(Refused, match="IdempotentParameterMismatch"):
        transact(double, "t", add("2"))
    now[0] += timedelta(minutes=11)
    transact(double, "t", add("1"))
    assert n(double, "1") == "2"


def test_transactions_in_flight_conflict(double: Double) -> None:
    def meanwhile() -> None:
        with pytest.raises(Refused) as refused:
            transact(double, "other", add("2"), add("1"))
        assert refused.value.reasons == ["None", "TransactionConflict"]
        with pytest.raises(Refused, match="TransactionInProgress"):
            transact(double, "t", add("1"))
        with pytest.raises(Refused, match="TransactionConflict"):
            double.operate("UpdateItem", add("1")["Update"], nothing)

    double.operate(
        "TransactWriteItems", {"ClientRequestToken": "t", "TransactItems": [add("1")]}, meanwhile
    )
    assert n(double, "1") == "1"


def test_a_transaction_holds_an_item_once_and_a_hundred_at_most(double: Double) -> None:
    for members in ([add("1"), add("1")], [add(str(each)) for each in range(101)]):
        with pytest.raises(Refused, match="Validation"):
            transact(double, "t", *members)
