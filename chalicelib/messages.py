"""The sentences of the errors' stable codes, in German and English."""

from typing import Literal

Language = Literal["de", "en"]

MESSAGES: dict[str, tuple[str, str]] = {
    # fields
    "required": ("Bitte ausfüllen.", "Please fill this in."),
    "too_long": ("Das ist zu lang.", "This is too long."),
    "type": ("Das hat nicht die erwartete Form.", "This does not have the expected form."),
    "choice": ("Diese Auswahl gibt es nicht.", "There is no such choice."),
    "range": ("Dieser Wert liegt außerhalb des Erlaubten.", "This value is out of range."),
    "control_characters": (
        "Zeilenumbrüche und Steuerzeichen sind hier nicht erlaubt.",
        "Line breaks and control characters are not allowed here.",
    ),
    "email": ("Bitte eine gültige E-Mail-Adresse angeben.", "Please give a valid e-mail address."),
    "url": ("Bitte keine Internetadresse angeben.", "Please do not give a web address here."),
    "consent": (
        "Bitte der aktuellen Fassung der Erklärung zustimmen.",
        "Please agree to the current version of the declaration.",
    ),
    "phone": ("Bitte eine gültige Telefonnummer angeben.", "Please give a valid telephone number."),
    "phone_region": (
        "In dieses Land rufen wir leider nicht zurück.",
        "We are sorry: we do not call back to this country.",
    ),
    "phone_kind": (
        "Sonder- und Kurznummern rufen wir nicht zurück.",
        "We do not call premium, shared-cost or short numbers.",
    ),
    "phone_own": ("Das ist unsere eigene Nummer.", "This is our own number."),
    "window": (
        "Dieses Zeitfenster liegt außerhalb unserer Sprechzeiten.",
        "This time is outside our opening hours.",
    ),
    "altcha": (
        "Die Prüfung gegen Missbrauch fehlt oder gilt nicht mehr. Bitte senden Sie das Formular"
        " noch einmal ab; es braucht dafür JavaScript.",
        "The check against misuse is missing or no longer valid. Please send the form once more;"
        " it needs JavaScript for that.",
    ),
    "finer": (
        "Dieser Teil ist zu groß für eine Antwort. Bitte die Liste in mehr Teile teilen.",
        "This part is too large for one answer. Please divide the list into more parts.",
    ),
    "slug": (
        "Erlaubt sind 1 bis 200 Zeichen aus a-z, 0-9, Bindestrich, Unterstrich und Punkt.",
        "1 to 200 characters of a-z, 0-9, hyphen, underscore and dot.",
    ),
    "token": (
        "Dieser Link ist ungültig oder abgelaufen. Bitte fordern Sie einen neuen an.",
        "This link is invalid or has expired. Please ask for a new one.",
    ),
    # whole requests
    "malformed": ("Die Anfrage war nicht lesbar.", "The request could not be read."),
    "validation": ("Bitte prüfen Sie Ihre Angaben.", "Please check what you entered."),
    "unauthorized": ("Bitte melden Sie sich an.", "Please sign in."),
    "origin": (
        "Das muss von einer Seite des Dienstes selbst kommen.",
        "This has to come from a page of the service itself.",
    ),
    "no_role": ("Dieses Konto hat hier keine Aufgabe.", "This account has no role here."),
    "role": ("Das darf nur die Leitung.", "Only supervisors may do this."),
    "not_found": ("Das gibt es hier nicht.", "There is no such thing here."),
    "method_not_allowed": ("So lässt sich das nicht aufrufen.", "This cannot be called that way."),
    "conflict": (
        "Das geht in diesem Zustand nicht mehr.",
        "This is no longer possible in this state.",
    ),
    "held": ("hat das schon übernommen.", "has taken this already."),
    "calling": (
        "Gerade spricht jemand am Telefon darüber.",
        "Somebody is on the telephone about this right now.",
    ),
    "attempts": ("Es wurde schon dreimal angerufen.", "There have been three calls already."),
    "attempts_today": (
        "Heute wurde schon zweimal angerufen.",
        "There have been two calls today already.",
    ),
    "too_soon": (
        "Der letzte Anruf ist noch keine 20 Minuten her.",
        "The last call was less than 20 minutes ago.",
    ),
    "closed": (
        "Außerhalb der Sprechzeiten wird nicht angerufen.",
        "Nobody is called outside opening hours.",
    ),
    "outside_window": (
        "Gewünscht war eine andere Zeit. Bitte bestätigen, dass der Anruf jetzt recht ist.",
        "Another time was asked for. Please confirm that a call now is welcome.",
    ),
    "too_late": (
        "Das ließ sich nur zehn Minuten lang rückgängig machen.",
        "This could be undone for ten minutes only.",
    ),
    "payload_too_large": ("Das ist mehr, als wir annehmen.", "This is more than we accept."),
    "unsupported_media_type": (
        "Diesen Inhaltstyp nehmen wir nicht an.",
        "We do not accept this content type.",
    ),
    "rate_limited": (
        "Das waren viele Anfragen. Bitte versuchen Sie es später noch einmal.",
        "That was a lot of requests. Please try again later.",
    ),
    "unavailable": (
        "Der Dienst ist gerade nicht erreichbar. Bitte versuchen Sie es gleich noch einmal.",
        "The service is not available right now. Please try again in a moment.",
    ),
    "not_running": (
        "Starten Sie zuerst `make run`, und nehmen Sie dessen Stufe:"
        " `chalice local --stage local`.",
        "Start `make run` first, and use its stage: `chalice local --stage local`.",
    ),
    "internal": ("Da ist uns ein Fehler unterlaufen.", "Something went wrong on our side."),
}

# The names of fields, for errors that a person reads without the form beside them.
FIELDS: dict[str, tuple[str, str]] = {
    "email": ("E-Mail-Adresse", "E-mail address"),
    "consent": ("Einwilligung", "Consent"),
    "topics": ("Themen", "Topics"),
    "topic": ("Anliegen", "Topic"),
    "language": ("Sprache", "Language"),
    "name": ("Name", "Name"),
    "phone": ("Telefonnummer", "Telephone number"),
    "window": ("Zeitfenster", "Time"),
    "part": ("Teil", "Part"),
    "parts": ("Teile", "Parts"),
    "note": ("Nachricht", "Note"),
    "altcha": ("Prüfung", "Check"),
}


def label(field: str, language: Language) -> str:
    """Return what a field is called; its own name where no person fills it in."""
    return FIELDS[field][language == "en"] if field in FIELDS else field


def message(code: str, language: Language) -> str:
    """Return the sentence for a code. Raises KeyError for an unknown one: a fault of ours."""
    return MESSAGES[code][language == "en"]
