"""The staff's side: who asks, and the frame of the pages. Every path under `/staff` is denied unless `gate` lets in.

    browser ── /staff ─────────→ no session: to /staff/sign-in
            ── /staff/sign-in ─→ to the provider, with a challenge that only this browser can answer   (signin)
            ── provider ───────→ name, password, second factor: none of our business
            ── /staff/signed-in → code against ID token, verified: who, which role                     (provider)
                                → a session of its own, known by a cookie                              (session)
            ── /staff/sign-out → the session ends here, then at the provider

A program sends the provider's token with every call instead (`Authorization: Bearer`) and has no session.
"""
