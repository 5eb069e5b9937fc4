"""Who left has left: nothing that goes out or comes in by a file brings them mail again."""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from chalicelib import aws, instants, tokens
from chalicelib.newsletter import links, model, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.stores import subscribers
from tests.backend import Backend
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import link, post, state, subscribe
from tests.ops.commands import WORDING, ops, row, table, written
from tests.scale import some

EMAIL = "leaves@example.org"
FORMATS = ("csv", "jsonl")
figures: Counter[str] = Counter()


def by_link(backend: Backend, folder: Path) -> None:
    token = tokens.sign(links.UNSUBSCRIBE, key_of(EMAIL), 0)
    assert post(backend, f"unsubscribe?token={token}").status == 200


def by_command(backend: Backend, folder: Path) -> None:
    assert ops("unsubscribe", EMAIL, "--how", "letter").exit_code == 0


def by_list(backend: Backend, folder: Path) -> None:
    file = folder / "left.txt"
    file.write_text(f"{EMAIL}\n")
    assert ops("unsubscribe", file).exit_code == 0


def by_import(backend: Backend, folder: Path) -> None:
    file, mapping = folder / "unsubscribed.csv", folder / "map.toml"
    file.write_text(f"Mail\n{EMAIL}\n")
    mapping.write_text('email = "Mail"\nevery_row = "withdrawn"\n')
    assert ops("import", file, "--map", mapping).exit_code == 0


def by_bounce(backend: Backend, folder: Path) -> None:
    decide(lambda each, now: model.bounce(each, True, "b", now, now))


def by_complaint(backend: Backend, folder: Path) -> None:
    decide(lambda each, now: model.complain(each, now, now))


def by_erasure(backend: Backend, folder: Path) -> None:
    assert ops("erase", EMAIL, "--yes").exit_code == 0


def decide(made: Callable[[model.Subscriber | None, Any], model.Change]) -> None:
    now = instants.now()
    service.change(key_of(EMAIL), lambda known: made(known.subscriber, now), How(), now)


WAYS = (by_link, by_command, by_list, by_import, by_bounce, by_complaint, by_erasure)


def joins_here(backend: Backend, folder: Path) -> None:
    subscribe(backend, EMAIL)


def joins_by_import(backend: Backend, folder: Path) -> None:
    assert "1 imported" in ops("import", written(folder / "joins.csv", row(EMAIL))).output


@pytest.mark.parametrize("way", some(WAYS, [by_link, by_list, by_complaint, by_erasure]))
@pytest.mark.parametrize("join", some([joins_here, joins_by_import], [joins_by_import]))
def test_nothing_is_sent_to_who_left(
    backend: Backend,
    tmp_path: Path,
    way: Callable[[Backend, Path], None],
    join: Callable[[Backend, Path], None],
) -> None:
    with time_machine.travel(instants.now(), tick=True) as clock:
        join(backend, tmp_path)
        exports = [tmp_path / f"before.{each}" for each in FORMATS]
        for file in exports:
            assert ops("export", file, "--format", file.suffix[1:]).exit_code == 0
            assert EMAIL in file.read_text()
        way(backend, tmp_path)
        before = len(backend.mails(EMAIL))
        old = written(tmp_path / "old.csv", row(EMAIL, confirmed_at="2025-01-01T00:00:00Z"))
        files = [old, *exports]

        def check() -> None:
            """Try every file; nobody is subscribed by one, exported, or written to."""
            for file in files:
                done = ops("import", file)
                assert done.exit_code == 0
                assert "0 imported" in done.output, (way, file)
                figures["imports tried"] += 1
            for each in FORMATS:
                ops("export", tmp_path / f"out.{each}", "--format", each)
                assert EMAIL not in (tmp_path / f"out.{each}").read_text()
                figures["exports read"] += 1
            assert state(key_of(EMAIL)) != "confirmed"
            backend.settle()

        check()
        assert len(backend.mails(EMAIL)) == before
        # A stranger signs them up: one mail to confirm, which nobody answers.
        clock.shift(timedelta(days=1))
        sign_up(backend, EMAIL)
        check()
        clock.shift(timedelta(days=9))
        check()
        tidy(backend)
        check()
        mails = len(backend.mails(EMAIL)) - before
        assert mails <= 1
        figures["mails but a stranger's signup's"] += max(mails - 1, 0)
        # The owner comes back by their own confirmation.
        if state(key_of(EMAIL)) != "complained":
            clock.shift(timedelta(days=1))
            sign_up(backend, EMAIL)
            backend.deliver()
            assert confirm(backend, link(backend, EMAIL, "confirm")).status == 200
            assert state(key_of(EMAIL)) == "confirmed"
            known = subscribers.load(key_of(EMAIL))
            assert (known.suppressed, known.withdrawn) == (False, False)
    figures["ways"] += 1
    print(f"\n{way.__name__} × {join.__name__} · {dict(figures)}")


def tidy(backend: Backend) -> None:
    """Delete what has expired, as the table's time to live does."""
    now = instants.epoch(instants.now())
    for item in backend.items(prefix="SUB#"):
        if item.get("expires") and item["expires"] <= now:
            key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
            aws.client("dynamodb").delete_item(TableName=backend.env["CONTACTS_TABLE"], Key=key)


@pytest.mark.parametrize("known", ["unknown", "pending", "erased"])
@pytest.mark.parametrize("way", [by_command, by_list, by_import])
def test_a_withdrawal_of_whoever_is_not_subscribed_stays(
    backend: Backend, tmp_path: Path, known: str, way: Callable[[Backend, Path], None]
) -> None:
    if known == "pending":
        sign_up(backend, EMAIL)
    if known == "erased":
        subscribe(backend, EMAIL)
        by_erasure(backend, tmp_path)
    mails = len(backend.mails(EMAIL))
    way(backend, tmp_path)
    assert EMAIL not in str([each for each in backend.items() if each["sk"] == "SUB"])
    settled = backend.items(prefix="SUB#")
    way(backend, tmp_path)
    assert backend.items(prefix="SUB#") == settled
    backend.settle()
    assert len(backend.mails(EMAIL)) == mails
    refused = ops("import", written(tmp_path / "old.csv", row(EMAIL)))
    because = {"erased": "was erased here: only the person can come back, by signing up"}
    assert f"line 2: {because.get(known, 'unsubscribed here')}" in refused.output
    for kind in ("confirmed", "all"):
        ops("export", tmp_path / "out.csv", "--state", kind)
        assert table(tmp_path / "out.csv") == []
    if known != "erased":
        assert state(key_of(EMAIL)) == "unsubscribed"
        assert service.prove(key_of(EMAIL), instants.now())["intact"]
    with time_machine.travel(instants.now() + timedelta(days=1), tick=True):
        sign_up(backend, EMAIL)
        backend.deliver()
        assert confirm(backend, link(backend, EMAIL, "confirm")).status == 200
    assert state(key_of(EMAIL)) == "confirmed"
    assert service.prove(key_of(EMAIL), instants.now())["intact"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_withdrawal_goes_before_an_import_in_one_file(
    backend: Backend, tmp_path: Path, order: int
) -> None:
    lines = [f"{EMAIL},confirmed,2024-05-31T12:00:00Z", f"{EMAIL.upper()},left,"]
    file, mapping = tmp_path / "both.csv", tmp_path / "map.toml"
    file.write_text("\n".join(["mail,state,at", *lines[::order]]))
    mapping.write_text(
        'email = "mail"\nconfirmed_at = "at"\nwithdrawn_if = {state = ["left"]}\n'
        '[defaults]\nlanguage = "de"\ntopics = "news"\nconsent_version = "1"\n'
        'consent_text = "Ja."\nsource_address = ""\n'
    )
    for dry in (["--dry-run"], []):
        done = ops("import", file, "--map", mapping, *dry)
        at = {1: 2, -1: 3}[order]
        assert f"line {at}: is withdrawn in line {5 - at}" in done.output
        assert "withdrawn: 1, of whom subscribed here: 0" in done.output
    assert state(key_of(EMAIL)) == "unsubscribed"


@pytest.mark.parametrize(
    ("meanwhile", "end", "told"),
    [
        ("withdraw", "unsubscribed", "unsubscribed here"),
        ("erase", "none", "was erased here"),
        ("bounce", "bounced", "mail to it came back"),
        ("confirm", "confirmed", "is subscribed here already"),
        ("confirm and leave", "unsubscribed", "unsubscribed here"),
    ],
)
def test_an_import_while_the_owner_decides(
    backend: Backend, tmp_path: Path, meanwhile: str, end: str, told: str
) -> None:
    """Let the owner decide between the import's look at the address and its write."""
    sign_up(backend, EMAIL)
    backend.deliver()
    token, decided = link(backend, EMAIL, "confirm"), False

    def act(**_: object) -> None:
        nonlocal decided
        if decided:
            return
        decided = True
        if "confirm" in meanwhile:
            assert confirm(backend, token).status == 200
        if meanwhile == "withdraw":
            by_command(backend, tmp_path)
        if meanwhile == "erase":
            by_erasure(backend, tmp_path)
        if meanwhile == "bounce":
            by_bounce(backend, tmp_path)
        if "leave" in meanwhile:
            by_link(backend, tmp_path)

    file = written(tmp_path / "old.csv", row(EMAIL))
    service.keep_wording(hashlib.sha256(WORDING.encode()).hexdigest(), WORDING)
    with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", act):
        done = ops("import", file)
    assert decided
    assert f"line 2: {told}" in done.output
    assert state(key_of(EMAIL)) == end
    assert service.prove(key_of(EMAIL), instants.now())["intact"]


@pytest.mark.parametrize("first", ["import", "withdrawal"])
def test_an_unknown_address_is_imported_and_withdrawn_at_once(
    backend: Backend, tmp_path: Path, first: str
) -> None:
    file, beaten = written(tmp_path / "old.csv", row(EMAIL)), False

    def beat(**_: object) -> None:
        nonlocal beaten
        if not beaten:
            beaten = True
            if first == "withdrawal":
                ops("unsubscribe", EMAIL)
            else:
                ops("import", file)

    with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", beat):
        ops(*(("import", file) if first == "withdrawal" else ("unsubscribe", EMAIL)))
    assert beaten
    assert state(key_of(EMAIL)) == "unsubscribed"
    assert service.prove(key_of(EMAIL), instants.now())["intact"]
    assert "0 imported" in ops("import", file).output
