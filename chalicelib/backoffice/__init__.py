"""The staff's pages that span capabilities.

    sign_in   /staff/sign-in, /staff/signed-in, /staff/sign-out
    figures   /staff/figures, /staff/stats: requests of a span, growth, views (`model` is pure)
    hours     /staff/hours: opening hours, holidays, exceptions, shifts, rules (`model` is pure)
    people    /staff/search: a person by number or reference, blocks, erasure

No URL holds a telephone number: the page of a number goes by its key.
"""
