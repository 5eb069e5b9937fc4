"""The preview: every mail and every page, in every state and language, on one page.

    specimens ─→ scene ─→ the routes and reactions, on tables in memory
        ↑          what people do, at a time of its own
    server ─→ looks   a copy in one colour scheme, or as an old mail program shows it

A specimen is made by what the product itself does: a signup is posted, a request taken, a mail
composed from the message that is owed. So a specimen shows what a person would see. Nothing leaves
the process: `python -m local.preview` needs no emulator.
"""
