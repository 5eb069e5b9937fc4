"""What spans capabilities for the staff.

    sign_in   /staff/sign-in, /staff/signed-in, /staff/sign-out
    figures   /staff/figures, /staff/stats: requests of a span, growth, views (`model` is pure)
    hours     /staff/hours: opening hours, holidays, exceptions, shifts, rules (`model` is pure)
    people    /staff/search: a person by number or reference, blocks, erasure

A number that was searched for stands in no address: the page of a number goes by its key.
"""
