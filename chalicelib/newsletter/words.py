"""The words for the states, events and facts of subscriptions, to be looked up in a catalogue.

Pure.
"""

from chalicelib.newsletter.model import Event, State
from chalicelib.outbox import model as mail
from chalicelib.texts import N_

STATES: dict[State, str] = {
    "pending": N_("waiting for confirmation"),
    "confirmed": N_("confirmed"),
    "refused": N_("refused (“That was not me”)"),
    "unsubscribed": N_("unsubscribed"),
    "bounced": N_("address undeliverable"),
    "complained": N_("complained, gets nothing any more"),
}
# The same in a word or two, for the list; in the order that it offers them.
SHORT: dict[State, str] = {
    "confirmed": N_("confirmed"),
    "pending": N_("waiting"),
    "unsubscribed": N_("unsubscribed"),
    "bounced": N_("undeliverable"),
    "complained": N_("complained"),
    "refused": N_("refused"),
}
# What is no state of a subscriber: the week has passed, or there is none.
UNKNOWN = N_("in a state that only a newer version knows")
EXPIRED = N_("not confirmed, expired")
NONE = N_("nothing stored")
ERASED = N_("data erased")
ALL_STATES: dict[str, str] = {
    **{str(state): word for state, word in STATES.items()},
    "expired": EXPIRED,
    "none": NONE,
    "erased": ERASED,
}
EVENTS: dict[Event, str] = {
    "signup": N_("Signed up"),
    "signup again": N_("Signed up once more"),
    "resent": N_("Confirmation e-mail sent again"),
    "mailed": N_("Confirmation e-mail sent"),
    "confirmed": N_("Subscription confirmed"),
    "refused": N_("Refused: “That was not me”"),
    "refusal undone": N_("Refusal taken back"),
    "unsubscribed": N_("Unsubscribed"),
    "unsubscription undone": N_("Unsubscription taken back"),
    "move asked": N_("Asked to replace another address"),
    "moved here": N_("Address confirmed, in place of another"),
    "moved away": N_("Replaced by another address"),
    "withdrawn": N_("Withdrawal recorded without a subscription"),
    "preferences": N_("Preferences changed"),
    "access": N_("Link to own data requested"),
    "bounced": N_("E-mail undeliverable"),
    "soft bounce": N_("E-mail undeliverable for the moment"),
    "complained": N_("Complained about an e-mail"),
    "released": N_("Released by the staff"),
    "imported": N_("Imported from another system"),
    "erased": N_("Erased"),
}
# What an event has recorded, by the names in the ledger.
FACTS: dict[str, str] = {
    "agent": N_("browser"),
    "by": N_("on whose word"),
    "caller": N_("network address"),
    "caller_kept": N_("network address kept by the other system"),
    "confirmed_at": N_("confirmed there at"),
    "consent": N_("declaration"),
    "digest": N_("e-mail’s SHA-256"),
    "email": N_("address"),
    "ended_at": N_("ended there at"),
    "how": N_("how it came"),
    "language": N_("language"),
    "letter": N_("number of the confirmation e-mail"),
    "mail_wording": N_("wording’s SHA-256"),
    "message": N_("e-mail"),
    "moved_from": N_("in place of"),
    "moved_to": N_("replaced by"),
    "note": N_("note"),
    "of": N_("about the e-mail"),
    "page": N_("page of the form"),
    "service_id": N_("number at the mail service"),
    "source_file": N_("file (SHA-256)"),
    "source_line": N_("line of the file"),
    "staff": N_("recorded by"),
    "topics": N_("topics"),
    "wording": N_("declaration’s SHA-256"),
}
# In which way a withdrawal reached us that the staff record.
WAYS: dict[str, str] = {
    "mail": N_("by e-mail"),
    "telephone": N_("by telephone"),
    "letter": N_("by letter"),
    "shop": N_("in the shop"),
}
# In which way somebody left.
HOW: dict[str, str] = {
    **WAYS,
    "page": N_("on our page"),
    "one click": N_("with one click in the mail program"),
    "mailer": N_("by another mail tool"),
}
GROWTH: dict[str, str] = {
    "signups": N_("Signups"),
    "confirmations": N_("Confirmations"),
    "unsubscribes": N_("Unsubscribes"),
    "bounces": N_("Bounces"),
}
# On whose word an event happened.
PEOPLE: dict[str, str] = {
    "person": N_("the person themselves"),
    "staff": N_("our staff"),
    "operator": N_("our IT"),
    "import": N_("a list of another system"),
    "restore": N_("again after a restore"),
}
# What the values of facts are called.
SAID: dict[str, dict[str, str]] = {
    "by": PEOPLE,
    "how": HOW,
    "caller_kept": {"no": N_("no")},
}
# The states of a mail in the outbox.
MAILS: dict[mail.State, str] = {
    "due": N_("due"),
    "sending": N_("being sent"),
    "unclear": N_("unclear"),
    "sent": N_("sent"),
    "void": N_("not needed any more"),
    "failed": N_("failed"),
}
