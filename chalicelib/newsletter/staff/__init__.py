"""The staff's side of the newsletter: subscribers by address, proof of consent, erasure, export.

`api` answers programs in JSON, `pages` shows pages to supervisors. An e-mail address that is typed
into a page is sent once, in a form; URLs hold its key instead.
"""
