"""What supervisors look at: figures of a span, hours and shifts as the machine understands them, a person by number.

    /staff/figures ← requests of the span, growth, views of the day        (figures: pure; drawn by `web/figures.js`)
    /staff/hours   ← opening hours, holidays, exceptions, shifts, rules     (calendar: pure)
    /staff/search  ← a number or a reference; blocked numbers; erasure      (people)

A number that was searched for is in no address: the page of a number goes by its key. Subscribers have pages of the
same kind in `newsletter.desk`.
"""
