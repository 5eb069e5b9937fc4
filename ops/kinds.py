"""Every kind of item in a stage's tables: where it lies, and the version of its format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib import challenges, intake, limits, mailings
from chalicelib.articles.stores import counts, decisions, known, markers, sums
from chalicelib.auth import session
from chalicelib.callbacks.stores import blocks, digests, requests
from chalicelib.callbacks.stores import items as callbacks
from chalicelib.newsletter.stores import growth, wordings
from chalicelib.newsletter.stores import items as newsletter
from chalicelib.outbox import counters, store, suppression
from chalicelib.settings import current

Table = Literal["contacts", "view-markers", "view-counts"]


@dataclass(frozen=True)
class Kind:
    """A kind of item, by how its keys begin; `v` is the version of its format that we write."""

    name: str
    table: Table
    pk: str
    sk: str
    v: int

    def has(self, table: Table, item: Mapping[str, Any]) -> bool:
        """Tell whether an item of this table is of this kind."""
        here, sk = self.table == table, str(item.get("sk", ""))
        return here and str(item["pk"]).startswith(self.pk) and sk.startswith(self.sk)


# The first that has an item is its kind, so that the narrower ones stand before the wider.
KINDS: tuple[Kind, ...] = (
    Kind("subscriber-event", "contacts", "SUB#", "EVENT#", newsletter.EVENT_V),
    Kind("suppressed", "contacts", "SUB#", "SUPPRESSED", newsletter.SUPPRESSED_V),
    Kind("withdrawn", "contacts", "SUB#", "WITHDRAWN", newsletter.WITHDRAWN_V),
    Kind("subscriber", "contacts", "SUB#", "SUB", newsletter.SUBSCRIBER_V),
    Kind("growth", "contacts", "GROWTH", "", growth.V),
    Kind("wording", "contacts", "WORDING#", "WORDING", wordings.V),
    Kind("callback", "contacts", "CALLBACK#", "CALLBACK", callbacks.V),
    Kind("callback-event", "contacts", "CALLBACK#", "EVENT#", requests.EVENT_V),
    Kind("comment", "contacts", "CALLBACK#", "COMMENT#", requests.COMMENT_V),
    Kind("proof", "contacts", "CALLBACK#", "PROOF", requests.PROOF_V),
    Kind("reference", "contacts", "CALLBACK#", "REFERENCE", requests.REFERENCE_V),
    Kind("lock", "contacts", "NUMBER#", "LOCK", requests.LOCK_V),
    Kind("block", "contacts", "NUMBER#", "BLOCK", blocks.V),
    Kind("asked", "contacts", "NUMBER#", "AT#", requests.ASKED_V),
    Kind("listed", "contacts", "ADDRESS#", "R-", requests.LISTED_V),
    Kind("message", "contacts", "MSG#", "MSG", store.V),
    Kind("digest", "contacts", "DIGEST#", "", digests.V),
    Kind("lifted", "contacts", "LIFTED#", "LIFTED", suppression.V),
    Kind("intake", "contacts", "INTAKE#", "", intake.V),
    Kind("mailbox", "contacts", "MAILBOX#", "", mailings.V),
    Kind("mails", "contacts", "LIMIT#mails#", "", counters.V),
    Kind("limit", "contacts", "LIMIT#", "", limits.V),
    Kind("challenge", "contacts", "ALTCHA#", "USED", challenges.V),
    Kind("session", "contacts", "SESSION#", "SESSION", session.SESSION_V),
    Kind("sign-in", "contacts", "SIGN-IN#", "SIGN-IN", session.SIGN_IN_V),
    Kind("staff", "contacts", "STAFF", "", session.STAFF_V),
    Kind("view", "view-markers", "VIEW#", "", markers.VIEW_V),
    Kind("salt", "view-markers", "SALT#", "", markers.SALT_V),
    Kind("total", "view-counts", "ARTICLE#", "TOTAL#", counts.TOTAL_V),
    Kind("day", "view-counts", "ARTICLE#", "DAY#", counts.DAY_V),
    Kind("sources", "view-counts", "ARTICLE#", "SOURCES", counts.SOURCES_V),
    Kind("filtered", "view-counts", "FILTERED#", "", counts.FILTERED_V),
    Kind("list", "view-counts", "LIST", "", counts.LIST_V),
    Kind("views", "view-counts", "VIEWS", "", counts.VIEWS_V),
    Kind("articles", "view-counts", "KNOWN#", "ARTICLES", known.ARTICLES_V),
    Kind("feed", "view-counts", "KNOWN", "FEED", known.FEED_V),
    Kind("versions", "view-counts", "KNOWN", "VERSIONS", known.VERSIONS_V),
    Kind("decision", "view-counts", "DECISION", "", decisions.V),
    Kind("sums-chunk", "view-counts", "SUMS#", "", sums.CHUNK_V),
    Kind("sums", "view-counts", "SUMS", "", sums.HEAD_V),
    Kind("sweep", "view-counts", "SWEEP", "CURSOR", markers.SWEEP_V),
)
UNSTAMPED = ("view",)  # one write of the hottest path; one without a version is of the first


def kind_of(table: Table, item: Mapping[str, Any]) -> Kind | None:
    """Return the kind of an item, or None for one that this version of the code does not know."""
    return next((each for each in KINDS if each.has(table, item)), None)


def name_of(table: Table) -> str:
    """Return what a table is called on the stage."""
    settings = current()
    return {
        "contacts": settings.contacts_table,
        "view-markers": settings.view_markers_table,
        "view-counts": settings.view_counts_table,
    }[table]
