"""What the staff work from: the board of requests, and the page of one, from its claim to its end.

`service` has the use cases, `api` answers programs in JSON, `pages` renders the pages. Every press is a
form's post, answered by a redirect; `web/staff.js` spares the reload, looks for news, lets the clocks
run, and sends again what a dropped connection kept.
"""
