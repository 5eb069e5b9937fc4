"""The stream's reaction: new markers become sums."""

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib import aws, log
from chalicelib.articles import model, store
from chalicelib.articles.model import Marker


def react(records: Iterable[Mapping[str, Any]]) -> None:
    """Counts what a batch of the markers' stream brings; idempotent, in any order.

    Raises Unavailable, so that the batch comes again; a record that is no marker is logged and passed over.
    """
    markers = list(filter(None, map(_marker, records)))
    for chunk in model.chunks(markers):
        count(chunk)
    for slug in {marker.slug for marker in markers}:
        titled = [marker for marker in markers if marker.slug == slug and marker.title]
        if titled:
            store.describe(titled[0])


def count(chunk: tuple[Marker, ...]) -> None:
    """Counts those markers of a chunk that are not counted yet."""
    while chunk:
        try:
            store.count(chunk)
            return
        except aws.Cancelled as cancelled:
            chunk = tuple(marker for at, marker in enumerate(chunk) if at not in cancelled.failed)


def _marker(record: Mapping[str, Any]) -> Marker | None:
    try:
        image = aws.unpack_item(record["dynamodb"].get("NewImage", {}))
        if not image.get("pk", "").startswith("VIEW#") or "c" in image:
            return None
        return store.marker_of(image)
    except (KeyError, ValueError):
        log.exception("marker.unreadable")
        return None
