"""A person by their number: what is known of it, whether it is blocked, and their data's erasure by supervisors."""
