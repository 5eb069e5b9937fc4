"""customer-contact: newsletter signups, callback requests and article views for one website.

Read `app.py` first (every entrance on one screen), then a capability's folder top to bottom.
"""

__version__ = "0.1.0"
