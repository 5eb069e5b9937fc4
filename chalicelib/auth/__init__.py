"""The sign-in of the staff, their sessions and roles. `gate` closes every path under `/staff`.

    browser ── /staff ──────────→ no session: to /staff/sign-in
            ── /staff/sign-in ──→ to the provider, with a challenge     (sign_in)
            ── provider ────────→ name, password, second factor: none of our business
            ── /staff/signed-in → code against ID token: who, which role   (provider)
                                → a session of our own, by a cookie        (session)
            ── /staff/sign-out ─→ the session ends here, then at the provider

Only the browser that began a sign-in can answer its challenge.

A program sends the provider's token with every call instead (`Authorization: Bearer`) and has no
session.
"""
