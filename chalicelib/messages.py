"""The sentences of the errors' stable codes, to be looked up in a catalogue."""

from chalicelib import texts
from chalicelib.texts import N_

# A placeholder is filled from the error: `named` is what was looked for, `holder` who has it.
MESSAGES: dict[str, str] = {
    # fields
    "required": N_("Please fill this in."),
    "too_long": N_("This is too long."),
    "type": N_("We do not know this format."),
    "choice": N_("There is no such choice."),
    "not_covered": N_("The declaration you agreed to does not cover this topic."),
    "range": N_("This value is not allowed."),
    "control_characters": N_("Line breaks and control characters are not allowed here."),
    "email": N_("Please enter a valid e-mail address."),
    "email_local": N_(
        "We cannot send e-mail to an address with accents or other special letters before the @. "
        "Please use another one."
    ),
    "url": N_("Please do not enter a web address here."),
    "markup": N_("Please write a web address as it is, without markup around it."),
    "consent": N_("Please agree to the current version of the declaration."),
    "phone": N_("Please enter a valid telephone number, for example 0711 123456."),
    "phone_region": N_("We are sorry: we do not call back to this country."),
    "phone_kind": N_(
        "We do not call premium-rate, service, freephone or emergency numbers. Please enter your "
        "landline or mobile number."
    ),
    "phone_own": N_("This is our own number. Please enter yours."),
    "phone_letters": N_(
        "Please enter the number in digits. An extension is written like this: 0711 123456 ext. 12."
    ),
    "phone_two": N_("Please enter one telephone number only."),
    "phone_country": N_(
        "We cannot tell which number this is. Please check it, and begin with the area code and "
        "its 0, or with the country code, for example +43."
    ),
    "window": N_("We are closed then. Please choose another time."),
    "window_begun": N_(
        "This time has begun, and fewer than 15 minutes of it are left. Please choose another one."
    ),
    "window_over": N_("This time is over. Please choose another one."),
    "window_length": N_("Please choose a time that is 15 minutes to 4 hours long."),
    "window_far": N_("Please choose a time that begins within the next 30 days."),
    "agreed_soon": N_("Please agree on a time that begins in five minutes at the earliest."),
    "agreed_far": N_("Please agree on a time that begins within the next 180 days."),
    "honeypot": N_(
        "This field must stay empty. A program that fills in forms may have filled it: please load "
        "the form anew and send it without that program."
    ),
    "altcha": N_(
        "The security check is missing or has expired. Please send the form once more; JavaScript "
        "must be switched on for it."
    ),
    "finer": N_("This part is too large for one answer. Please divide the list into more parts."),
    "no_article": N_("There is no such article, or the lists do not show it."),
    "slug": N_("1 to 200 characters of a-z, 0-9, hyphen, underscore and dot are allowed."),
    "token": N_("This link is invalid or has expired."),
    # whole requests
    "malformed": N_("The request could not be read."),
    "validation": N_("Please check your details."),
    "unauthorized": N_("Please sign in."),
    "origin": N_("This can only be done from one of our own pages."),
    "no_role": N_("This account has no access to this area."),
    "role": N_("Only supervisors may do this."),
    "not_found": N_("This page does not exist."),
    "no_subscriber": N_("Nothing is stored for this address."),
    "not_waiting": N_("There is no signup for this address that waits for its confirmation."),
    "no_callback": N_("There is no callback %(named)s."),
    "no_number": N_("Nothing is stored for this number."),
    "nothing_found": N_("Nothing was found for this."),
    "no_declaration": N_("There is no such version of the declaration."),
    "method_not_allowed": N_("This address does not take that method."),
    "conflict": N_("The callback has been changed in the meantime."),
    "held": N_("%(holder)s has already taken this callback."),
    "calling": N_("Somebody is on the phone about this right now."),
    "attempts": N_("There have been three calls already."),
    "attempts_today": N_("There have been two calls today already."),
    "too_soon": N_("The last call was less than 20 minutes ago."),
    "closed": N_("Nobody is called outside opening hours."),
    "merged": N_("One of the two articles is already merged. Please undo that first."),
    "merged_here": N_("Other articles are merged into this one. Please undo that first."),
    "merged_many": N_("Twenty articles are merged into this one, which is as many as can be."),
    "outside_window": N_("Another time was asked for. Please confirm that a call now is welcome."),
    "undecided": N_("A supervisor has to decide about this callback first."),
    "nothing_to_undo": N_("There is nothing to undo here."),
    "not_yours": N_("Only the person who pressed can undo this."),
    "erased": N_("The data of this callback has been erased."),
    "too_late": N_("This could be undone for ten minutes only."),
    "payload_too_large": N_("The request is too large."),
    "unsupported_media_type": N_("We do not accept this content type."),
    "rate_limited": N_("Too many requests. Please try again later."),
    "same_address": N_("This is your present address already."),
    "mailbox_limit": N_(
        "This mailbox has had as many confirmation e-mails as it may get for now: one in ten "
        "minutes, three a day."
    ),
    "link_moves": N_(
        "This link can move the call five times a day. Please ring us to move it again today: "
        "%(named)s."
    ),
    "link_cancellations": N_(
        "This link can cancel the call three times a day. Please ring us to cancel it again today: "
        "%(named)s."
    ),
    "preferences_limit": N_(
        "Your topics and language were changed very often today. Please change them again tomorrow."
    ),
    "not_subscribed": N_("There is no subscription for this address."),
    "undo_limit": N_(
        "The subscription was ended and taken up again very often today. It has ended now; please "
        "sign up again on our website."
    ),
    "moves_limit": N_(
        "Another address was asked for very often today. Please change it again tomorrow."
    ),
    "me_limit": N_("This link was used very often in this hour. Please use it again later."),
    "unavailable": N_("The service is not available right now. Please try again in a moment."),
    "sign_in_away": N_(
        "The service at which the staff sign in does not answer. Please try again in a minute. "
        "Whoever is signed in can go on working."
    ),
    "not_running": N_("Start `make run` first, and use its stage: `chalice local --stage local`."),
    "internal": N_("Something went wrong on our side."),
}

# What a declaration that was not agreed to is wanted for, by capability.
CONSENTS: dict[str, str] = {
    "newsletter": N_("Please agree so that we may write to you."),
    "callbacks": N_("Please agree so that we may call you."),
}

# What a person does whose link does not work: at `there`, by where the link led.
LOST: dict[str, str] = {
    "callback": N_("This link is invalid or has expired. Arrange a new callback here: %(there)s"),
    "signup": N_("This link is invalid or has expired. Sign up again here: %(there)s"),
    "data": N_("This link is invalid or has expired. Request a new one here: %(there)s"),
}

# The names of fields, for errors that a person reads without the form beside them.
FIELDS: dict[str, str] = {
    "email": N_("E-mail address"),
    "consent": N_("Consent"),
    "topics": N_("Topics"),
    "topic": N_("Subject"),
    "language": N_("Language"),
    "name": N_("Name"),
    "phone": N_("Telephone number"),
    "window": N_("Time"),
    "part": N_("Part"),
    "parts": N_("Parts"),
    "note": N_("Message"),
    "how": N_("How it reached us"),
    "altcha": N_("Security check"),
    "title": N_("Title"),
    "merge_into": N_("Article"),
    "website": N_("Hidden field"),
}


def label(field: str, language: str) -> str:
    """Return what a field is called; its own name where no person fills it in."""
    return texts.of(language).gettext(FIELDS[field]) if field in FIELDS else field


def message(code: str, language: str, **values: str) -> str:
    """Return the sentence for a code. Raises KeyError for an unknown one: a fault of ours."""
    sentence = texts.of(language).gettext(MESSAGES[code])
    return sentence % values if "%(" in sentence else sentence


def lost(where: str, language: str, there: str) -> str:
    """Return the sentence for a link that does not work, and where to go; `where` is of LOST."""
    return texts.of(language).gettext(LOST[where]) % {"there": there}


def consent(capability: str, language: str) -> str:
    """Return the sentence for a declaration that was not agreed to."""
    return texts.of(language).gettext(CONSENTS[capability])
