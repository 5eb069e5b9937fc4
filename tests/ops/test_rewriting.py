"""What an item is changed into, and on which condition. No emulator."""

from typing import Any

import pytest

from ops import migrations, rewriting
from ops.kinds import KINDS
from ops.migrations import MIGRATIONS, Migration, Poison

BEFORE = {"pk": {"S": "a"}, "sk": {"S": "b"}, "gone": {"N": "1"}, "set": {"SS": ["x"]}}
SUBSCRIBER = next(each for each in KINDS if each.name == "subscriber")
ITEM = {"pk": "SUB#a", "sk": "SUB", "email": "eva@example.org"}


def test_an_item_is_changed_as_it_was_read() -> None:
    after = {"pk": {"S": "a"}, "sk": {"S": "b"}, "set": {"SS": ["x"]}, "new": {"N": "2"}}
    asked = rewriting.update("t", BEFORE, after)
    assert asked == {
        "TableName": "t",
        "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}},
        "UpdateExpression": "SET #n1 = :n1 REMOVE #n0",
        "ConditionExpression": (
            "attribute_exists(pk) AND #n0 = :n0_was AND #n2 = :n2_was AND attribute_not_exists(#n1)"
        ),
        "ExpressionAttributeNames": {"#n0": "gone", "#n1": "new", "#n2": "set"},
        "ExpressionAttributeValues": {
            ":n1": {"N": "2"},
            ":n0_was": {"N": "1"},
            ":n2_was": {"SS": ["x"]},
        },
    }
    assert rewriting.update("t", BEFORE, dict(BEFORE)) is None


def step(before: int, after: int, change: Any = dict, **more: Any) -> Migration:
    return Migration(f"{before} to {after}", ("subscriber",), before, after, change, **more)


def test_migrations_follow_each_other_from_the_items_own_version() -> None:
    steps = (
        step(1, 2, lambda item: {**item, "mail": item["email"]}),
        step(0, 1),
        step(2, 3, lambda item: {name: item[name] for name in item if name != "email"}),
    )
    made, applied = migrations.migrated(SUBSCRIBER, ITEM, steps)
    assert made == {"pk": "SUB#a", "sk": "SUB", "mail": "eva@example.org", "v": 3}
    assert [each.name for each in applied] == ["0 to 1", "1 to 2", "2 to 3"]
    for v in (3, 4, 99):
        assert migrations.migrated(SUBSCRIBER, {**ITEM, "v": v}, steps) == ({**ITEM, "v": v}, ())


@pytest.mark.parametrize(
    "bad",
    [
        step(0, 1, lambda item: item["nickname"]),
        step(0, 1, lambda item: {**item, "pk": "SUB#b"}),
        step(0, 1, lambda item: None),
        step(0, 0),
    ],
)
def test_what_cannot_be_migrated_is_poison(bad: Migration) -> None:
    with pytest.raises(Poison) as said:
        migrations.migrated(SUBSCRIBER, ITEM, (bad,))
    assert "eva@" not in str(said.value)


def test_the_list_leads_each_kind_to_its_version() -> None:
    for kind in KINDS:
        if kind.table != "view-markers":
            made, _ = migrations.migrated(kind, {"pk": kind.pk, "sk": kind.sk}, MIGRATIONS)
            assert made["v"] == kind.v, f"{kind.name} wants a migration"


def test_an_item_of_many_attributes_fits_an_expression() -> None:
    """Check DynamoDB's 4 KB and 300 operators: the versions of the feed's buckets are 256."""
    before = {"pk": {"S": "a"}, "sk": {"S": "b"}, **{f"{n:03}": {"N": "1"} for n in range(256)}}
    asked = rewriting.update("t", before, {**before, "v": {"N": "1"}, "200": {"N": "2"}})
    assert asked
    condition, names = asked["ConditionExpression"], asked["ExpressionAttributeNames"]
    assert len(condition) + len(asked["UpdateExpression"]) < 4096
    assert condition.count("=") + condition.count(" AND ") + 2 < 300
    assert {"200", "v"} <= set(names.values())
    assert all(short in condition + asked["UpdateExpression"] for short in names)
