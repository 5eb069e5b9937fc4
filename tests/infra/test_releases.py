"""Which release a rollback goes to, which releases are kept, and that one is whole."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from infra.releases import (
    DAYS,
    KEPT,
    State,
    aim,
    begun,
    checked,
    commit,
    deployed,
    expired,
    taken_back,
)
from infra.target import NotDone

A, B, C = "20260101T000000Z-aaaaaaaaaaaa", "20260201T000000Z-bbbbbbbbbbbb", "20260301T000000Z"
NAMES = [A, B, C]


def after(*good: str) -> State:
    """Return the state after deployments that were found good."""
    state = State()
    for name in good:
        state = deployed(begun(state), name, f"digest of {name}")
    return state


def test_a_rollback_goes_to_what_served_before() -> None:
    assert aim(after(A, B), NAMES) == A


def test_the_first_deployment_has_nothing_before_it() -> None:
    for state in (State(), after(A), begun(State())):
        with pytest.raises(NotDone, match="nothing to go back to"):
            aim(state, NAMES)


def test_a_deployment_that_failed_is_taken_back_to_what_served() -> None:
    state = begun(after(A, B))
    assert aim(state, NAMES) == B
    assert begun(state) == state
    # What was never found good leaves no trace: the next rollback goes on from what serves.
    assert taken_back(state, B, "digest of it") == after(A, B)


def test_a_second_rollback_does_nothing() -> None:
    state = taken_back(after(A, B), A, "digest of it")
    assert (state.serving, state.withdrawn) == (A, B)
    assert aim(state, NAMES) == ""
    assert aim(state, NAMES, B) == B


def test_what_was_taken_back_is_never_gone_back_to_by_itself() -> None:
    state = deployed(begun(taken_back(after(A, B), A, "…")), C, "…")
    assert aim(state, NAMES) == A
    assert aim(begun(state), NAMES) == C


def test_an_interrupted_rollback_is_finished() -> None:
    state = State(**{**vars(after(A, B)), "back_to": A})
    assert aim(state, NAMES) == A
    # A deployment that is begun meanwhile and fails finishes it, too.
    assert aim(begun(state), NAMES) == A
    assert taken_back(state, A, "…").back_to == ""
    again = State(**{**vars(taken_back(after(A, B), A, "…")), "back_to": B})
    assert aim(again, NAMES) == B


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (A, A),
        ("20260101", A),
        ("bbbb", B),
        ("bbbbbbbbbbbb" + "b" * 28, B),  # a whole commit
        ("20260301T000000Z", C),
    ],
)
def test_a_release_is_named_by_time_or_commit(wanted: str, found: str) -> None:
    assert aim(after(A, B), NAMES, wanted) == found


@pytest.mark.parametrize("wanted", ["2026", "cccc", "x", "20260101T000000Z-b"])
def test_a_name_of_none_or_of_several_is_refused(wanted: str) -> None:
    with pytest.raises(NotDone, match=f"called {wanted}; there are: {A}, {B}, {C}"):
        aim(after(A, B), NAMES, wanted)


def test_a_release_that_is_gone_is_not_gone_back_to() -> None:
    with pytest.raises(NotDone, match=f"the release {A} is gone; there are: {B}"):
        aim(after(A, B), [B])


def test_the_latest_are_kept_and_all_of_a_year() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    names = [f"{now - timedelta(days=100 * each):%Y%m%dT%H%M%SZ}-c" for each in range(20)]
    state = after(names[0])
    assert expired(names, state, now) == names[KEPT:]
    assert expired(names[:KEPT], state, now) == []
    young = [f"{now - timedelta(days=each):%Y%m%dT%H%M%SZ}-c" for each in range(DAYS + 3)]
    assert expired(young, state, now) == young[DAYS + 1 :]
    # What serves, and what is gone back to, stays however old it is.
    needed = State(serving=names[15], before=names[16], back_to=names[17])
    assert expired(names, needed, now) == [*names[KEPT:15], *names[18:]]


def test_a_release_from_outside_of_git_has_no_commit() -> None:
    assert [commit(each) for each in NAMES] == ["a" * 12, "b" * 12, ""]


def packed(files: dict[str, bytes], hashes: dict[str, str] | None = None) -> bytes:
    """Return a release of these files, with their hashes or others."""
    known = {name: hashlib.sha256(each).hexdigest() for name, each in files.items()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as whole:
        whole.writestr("manifest.json", json.dumps({"files": known | (hashes or {})}))
        for name, content in files.items():
            whole.writestr(name, content)
    return made.getvalue()


GOOD = {"package.zip": b"code", ".chalice/config.json": b"{}"}


def test_a_release_is_what_was_kept() -> None:
    assert checked(packed(GOOD))[1] == GOOD


@pytest.mark.parametrize(
    ("release", "said"),
    [
        (b"", "zip"),
        (packed(GOOD)[:-30], "zip"),
        (packed(GOOD).replace(b"code", b"evil", 1), "CRC"),
        (packed(GOOD, {"package.zip": "0"}), "package.zip is another than was kept"),
        (packed(GOOD, {"record.json": "0"}), "record.json"),
        (packed({"../app.py": b""}), "no name of a file in it"),
        (packed({"/tmp/app.py": b""}), "no name of a file in it"),  # noqa: S108
        (packed({".chalice/../app.py": b""}), "no name of a file in it"),
    ],
)
def test_a_damaged_release_is_refused(release: bytes, said: str) -> None:
    with pytest.raises((ValueError, LookupError, zipfile.BadZipFile), match=said):
        checked(release)
