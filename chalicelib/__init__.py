"""customer-contact: newsletter signups, callback requests and article views for one website.

Read `app.py` first (every entrance on one screen), then a capability's folder top to bottom.
"""

from chalicelib import patterns

patterns.load()  # before the first library compiles its own

__version__ = "0.1.0"
