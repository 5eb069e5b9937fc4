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
