"""A person by their number or by the reference of a request."""
