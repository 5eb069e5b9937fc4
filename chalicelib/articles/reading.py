"""Reading the site's feed: which articles there are, and what they are called."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from chalicelib import instants, log
from chalicelib.articles import feeds, fetching
from chalicelib.articles.feeds import Feed, Unread
from chalicelib.articles.fetching import Validators
from chalicelib.articles.stores import known
from chalicelib.articles.stores.known import State
from chalicelib.settings import current

MOST_PARTS = 20  # sitemaps of an index, the newest
# Seconds that are left for keeping what was read.
RESERVE = 15.0
_MOST_COLLISIONS = 50


def read(now: datetime | None = None, left: Callable[[], float] = lambda: 60.0) -> bool:
    """Read the feed and keep what it tells; tell whether that worked.

    A feed that fails changes nothing of what is known. Raises Unavailable.
    """
    now, url = now or instants.now(), current().articles_feed
    before = known.state()
    if not url:
        if before.url:
            known.save_state(State())
        return True
    if before.url != url:
        before = State(url=url)
    try:
        feed, validators = _fetch(url, before, left)
        found = sum(int(each[2]) for each in validators.values())
        if not found and feed.faults:
            raise Unread("none")
    except Unread as error:
        since = before.failing_since or instants.text(now)
        log.warning("feed.failed", error=str(error), since=since)
        failing = replace(before, failing_since=since, error=error.code, detail=error.detail)
        known.save_state(failing)
        return False
    new, changed = known.learn(feed.entries)
    made = replace(
        before,
        read_at=instants.text(now),
        found=found,
        failing_since="",
        error="",
        detail="",
        validators=validators,
    )
    if feed.entries or feed.faults:  # else nothing has changed
        faults = dict(feed.faults)
        if faults:
            log.info("feed.left_out", faults=faults, examples=feed.examples)
        told = list(feed.collisions.items())[:_MOST_COLLISIONS]
        collisions = {name: list(pages) for name, pages in told}
        made = replace(made, faults=faults, examples=feed.examples, collisions=collisions)
    log.info("feed.read", found=found, new=new, changed=changed)
    known.save_state(made)
    return True


def _fetch(url: str, before: State, left: Callable[[], float]) -> tuple[Feed, dict[str, list[str]]]:
    """Fetch the feed, or the parts of an index of sitemaps; return what is new in it.

    It returns also, by address, what the next request names, and how many articles there were.
    Raises Unread where the feed itself, or every part of an index, cannot be had.
    """
    settings = current()
    validators: dict[str, list[str]] = {}

    def one(address: str) -> Feed:
        etag, modified, found = before.validators.get(address, ("", "", "0"))
        said = Validators(etag, modified)
        fetched = fetching.fetch(address, said, settings.site_origins)
        if fetched.body is None:
            if said == Validators():
                raise Unread("status", "304")
            validators[address] = [etag, modified, found]
            return Feed()
        origins, naming = settings.site_origins, settings.articles_named
        feed = feeds.parse(fetched.body, fetched.kind, fetched.url, origins, naming)
        if not feed.parts:  # an index may stay the same while its sitemaps change
            sent = fetched.validators
            validators[address] = [sent.etag, sent.modified, str(len(feed.entries))]
        return feed

    feed = one(url)
    if not feed.parts:
        return feed, validators
    parts = list(_parts(feed.parts, one, left))
    read = [each for each in parts if isinstance(each, Feed)]
    failed = [each for each in parts if isinstance(each, str)]
    if not read:
        raise Unread("parts")
    whole = feeds.merged(read)
    if failed:
        whole.faults["sitemap"] += len(failed)
        whole.examples.setdefault("sitemap", failed[0])
    return whole, validators


def _parts(
    addresses: tuple[str, ...], one: Callable[[str], Feed], left: Callable[[], float]
) -> Iterator[Feed | str]:
    """Yield each part of an index, or why it cannot be read."""
    for at, address in enumerate(addresses[:MOST_PARTS]):
        if at and left() < RESERVE + fetching.SECONDS:
            yield f"no time: {address}"
            return
        try:
            part = one(address)
            if part.parts:
                raise Unread("format", "sitemapindex")
            yield part
        except Unread as error:
            yield f"{error}: {address}"
