"""The staff's side of the newsletter: the list of subscribers, what is done with a record, export.

`service` has the use cases, `view` what calls take and give, `pages` the calls that people and
programs make, `api` those of programs alone. An e-mail address that is typed into a page is sent
once, in a form; URLs hold its key instead.
"""
