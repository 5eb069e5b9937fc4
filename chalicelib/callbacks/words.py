"""The names of topics, states, events and outcomes on the staff's pages: German, English. Pure."""

from chalicelib.callbacks.model import Outcome, State, Tab, Topic

Words = tuple[str, str]

TABS: dict[Tab, Words] = {
    "due": ("Fällig", "Due"),
    "mine": ("Meine", "Mine"),
    "waiting": ("Wartend", "Waiting"),
    "overdue": ("Überfällig", "Overdue"),
    "closed": ("Erledigt", "Closed"),
}
EMPTY: dict[Tab, Words] = {
    "due": (
        "Gerade wartet niemand auf einen Rückruf. Neue Anfragen erscheinen hier von selbst.",
        "Nobody is waiting for a call right now. New requests appear here by themselves.",
    ),
    "mine": (
        "Sie haben gerade nichts übernommen. Wer auf einen Anruf wartet, steht unter „Fällig“.",
        "You have taken nothing right now. Who is waiting for a call is under “Due”.",
    ),
    "waiting": (
        "Für später ist nichts vorgemerkt, weder eine vereinbarte Zeit noch ein nächster Versuch.",
        "Nothing is planned for later: no time agreed on, no further try.",
    ),
    "overdue": ("Nichts ist überfällig.", "Nothing is overdue."),
    "closed": ("Noch ist nichts erledigt.", "Nothing has been closed yet."),
}
TOPICS: dict[Topic, Words] = {
    "general": ("Allgemeines", "General"),
    "buying": ("Kauf", "Buying"),
    "selling": ("Verkauf", "Selling"),
    "storage": ("Verwahrung", "Storage"),
    "order": ("Bestellung", "Order"),
}
STATES: dict[State, Words] = {
    "scheduled": ("vorgemerkt", "scheduled"),
    "open": ("offen", "open"),
    "claimed": ("übernommen", "taken"),
    "retry": ("neuer Versuch", "to be tried again"),
    "done": ("erledigt", "done"),
    "unreached": ("nicht erreicht", "not reached"),
    "cancelled": ("abgesagt", "cancelled"),
    "refused": ("nicht gewünscht", "refused"),
    "expired": ("verfallen", "expired"),
}
OUTCOMES: dict[Outcome, Words] = {
    "reached": ("Erreicht", "Reached"),
    "no_answer": ("Nimmt nicht ab", "No answer"),
    "busy": ("Besetzt", "Busy"),
    "mailbox": ("Mailbox", "Mailbox"),
    "later": ("Später anrufen", "Call later"),
    "refused": ("Will keinen Anruf", "Wants no call"),
    "wrong_number": ("Falsche Nummer", "Wrong number"),
}
CALLS: dict[str, Words] = {
    **{str(name): said for name, said in OUTCOMES.items()},
    "": ("im Gespräch", "on the telephone"),
    "unknown": ("Ausgang unbekannt", "outcome unknown"),
}
EVENTS: dict[str, Words] = {
    "submitted": ("Anfrage eingegangen", "Request received"),
    "opened": ("Zeit gekommen, Beratung benachrichtigt", "Its time has come, agents alerted"),
    "escalated": (
        "Niemand hat übernommen, weitere benachrichtigt",
        "Nobody took it, more people alerted",
    ),
    "claimed": ("Übernommen", "Taken"),
    "offered": ("Übergabe angeboten", "Hand-over offered"),
    "handed over": ("Übergabe angenommen", "Hand-over accepted"),
    "dialled": ("Angerufen", "Dialled"),
    "released": ("Zurückgegeben", "Given back"),
    "lapsed": ("Zu lange liegen geblieben, wieder offen", "Left for too long, open again"),
    "missed": ("Nicht erreicht, neuer Versuch folgt", "Not reached, another try follows"),
    "agreed": ("Andere Zeit vereinbart", "Another time agreed"),
    "done": ("Erreicht und erledigt", "Reached and done"),
    "unreached": ("Auch beim dritten Mal nicht erreicht", "Not reached the third time either"),
    "refused": ("Kein Anruf gewünscht, Nummer gesperrt", "No call wanted, number blocked"),
    "rescheduled": ("Andere Zeit gewünscht", "Another time wished"),
    "cancelled": ("Abgesagt", "Cancelled"),
    "withdrawn": ("Auf Wunsch gelöscht", "Erased by request"),
    "called in": ("Hat selbst angerufen", "Rang in"),
    "expired": ("Verfallen, Leitung benachrichtigt", "Expired, supervisor told"),
}
ACTORS: dict[str, Words] = {
    "clock": ("automatisch", "automatic"),
    "customer": ("Kundschaft", "customer"),
}
