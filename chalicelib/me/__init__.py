"""The page of an address's owner: what is stored, and every way to change and to end it.

It spans the newsletter and the callbacks. A mail to the address has the link, which is good for a
day; the page shows nothing before its button is pressed. Read on: `service` (what can be done),
`intakes` (who gets the mail with the link), `reactions` (that mail, to somebody who is known for
callbacks alone), `routes`.
"""
