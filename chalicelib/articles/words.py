"""The words for the classes of views that no person made, to be looked up in a catalogue. Pure."""

from chalicelib.texts import N_

CLASSES: dict[str, str] = {
    "empty": N_("without a browser’s name"),
    "prefetch": N_("loaded in advance"),
    "preview": N_("link previews"),
    "ai": N_("AI crawlers"),
    "agent": N_("AI assistants"),
    "tool": N_("programs"),
    "automation": N_("automated browsers"),
    "bot": N_("search engines and other bots"),
}

# Why the feed cannot be read; a placeholder is filled with the error's detail.
FEED_ERRORS: dict[str, str] = {
    "place": N_("The feed’s address is not on the website itself."),
    "silent": N_("The website does not answer."),
    "slow": N_("The website did not send the whole feed within %(detail)s seconds."),
    "status": N_("The website answers with status %(detail)s."),
    "redirects": N_("The feed’s address leads in a circle."),
    "large": N_("The feed is larger than 5 MB."),
    "broken": N_("The feed breaks off in the middle."),
    "empty": N_("The feed is empty."),
    "page": N_("There is a web page at the feed’s address, but no feed."),
    "format": N_("What is at the feed’s address is no sitemap, RSS, Atom or JSON feed."),
    "entities": N_("The feed declares XML entities of its own, which we do not read."),
    "xml": N_("The feed is not valid XML."),
    "json": N_("The feed is not a valid JSON feed."),
    "none": N_("None of the feed’s entries is an article of this website."),
    "parts": N_("None of the sitemaps in the index can be read."),
}

# Why entries of the feed are left out.
FEED_FAULTS: dict[str, str] = {
    "elsewhere": N_("on another website"),
    "no link": N_("without an address"),
    "no name": N_("not an article"),
    "no title": N_("without a title"),
    "too many": N_("beyond the first 50,000"),
    "sitemap": N_("sitemaps that cannot be read"),
}
