"""Opening hours and shifts as the system understands them."""
