"""The staff's side of callbacks: the board of requests, and the page of one from claim to end.

`service` has the use cases, `api` answers programs in JSON, `pages` renders the pages. Every button
posts a form, which is answered by a redirect. `web/staff.js` spares the reload, polls for news,
lets the clocks run, and sends a form again after a dropped connection.
"""
