"""The words for states, events and outcomes of callbacks, to be looked up in a catalogue. Pure."""

from chalicelib.callbacks.model import Event, Hold, Outcome, State, Tab
from chalicelib.texts import N_

TABS: dict[Tab, str] = {
    "due": N_("Due"),
    "mine": N_("Mine"),
    "waiting": N_("Planned"),
    "overdue": N_("Overdue"),
    "held": N_("To decide"),
    "closed": N_("Closed"),
}
EMPTY: dict[Tab, str] = {
    "due": N_("Nobody is waiting for a call right now. New callbacks appear here by themselves."),
    "mine": N_("You have taken nothing right now. Callers who are waiting are listed under “Due”."),
    "waiting": N_("Nothing is planned for later: no agreed time and no further attempt."),
    "overdue": N_("Nothing is overdue."),
    "held": N_("No callback waits for a decision by a supervisor."),
    "closed": N_("Nothing has been closed yet."),
}
STATES: dict[State, str] = {
    "scheduled": N_("scheduled"),
    "open": N_("open"),
    "claimed": N_("taken"),
    "retry": N_("another attempt"),
    "held": N_("to be decided"),
    "done": N_("done"),
    "unreached": N_("not reached"),
    "cancelled": N_("cancelled"),
    "refused": N_("no call wanted"),
    "wrong_number": N_("wrong number"),
    "expired": N_("expired"),
    "withdrawn": N_("erased"),
}
OUTCOMES: dict[Outcome, str] = {
    "reached": N_("Reached"),
    "no_answer": N_("No answer"),
    "busy": N_("Busy"),
    "mailbox": N_("Voicemail"),
    "later": N_("Call later"),
    "refused": N_("Does not want a call"),
    "wrong_number": N_("Wrong number"),
}
CONSENT_BY: dict[str, str] = {
    "telephone": N_("by telephone"),
    "shop": N_("in the shop"),
    "mail": N_("by e-mail or letter"),
}
HELD: dict[Hold, str] = {
    "blocked": N_("The number is blocked. A supervisor decides whether we call."),
    "limit": N_(
        "A call to this number was asked for often today. A supervisor decides whether we call."
    ),
}
CALLS: dict[str, str] = {
    **{str(name): said for name, said in OUTCOMES.items()},
    "": N_("on the phone"),
    "unknown": N_("outcome unknown"),
}
EVENTS: dict[Event, str] = {
    "submitted": N_("Received"),
    "wished": N_("Asked for a call once more"),
    "held": N_("Number blocked, waits for a decision"),
    "admitted": N_("Decided: we call"),
    "declined": N_("Decided: we do not call"),
    "opened": N_("Became due, team alerted"),
    "escalated": N_("Still open, more people alerted"),
    "claimed": N_("Taken"),
    "assigned": N_("Assigned by a supervisor"),
    "taken over": N_("Taken over by a supervisor"),
    "offered": N_("Handover offered"),
    "handed over": N_("Handover accepted"),
    "dialled": N_("Called"),
    "released": N_("Given back"),
    "lapsed": N_("Left for too long, open again"),
    "missed": N_("Not reached, another attempt follows"),
    "agreed": N_("Another time agreed"),
    "done": N_("Reached and done"),
    "unreached": N_("Not reached at the third attempt either"),
    "refused": N_("No call wanted, number blocked"),
    "wrong number": N_("Wrong number, number blocked"),
    "corrected": N_("Number corrected"),
    "rescheduled": N_("Moved to another time"),
    "cancelled": N_("Cancelled"),
    "withdrawn": N_("Erased on request"),
    "called in": N_("Called us"),
    "expired": N_("Expired, supervisors alerted"),
    "undone": N_("Last step undone"),
    "merged": N_("Went on with another callback for the same number"),
    "followed": N_("Followed by a new callback"),
}
ACTORS: dict[str, str] = {
    "clock": N_("automatic"),
    "customer": N_("customer"),
}
