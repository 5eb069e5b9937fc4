"""The staff's side of the newsletter: a subscriber by address, the proof of their consent, erasure,
the export. `api` answers programs in JSON, `pages` shows supervisors pages.

An address that is typed into a page is sent once, and then stands in no address line: its key does.
"""
