"""The staff's side. Every path under `/staff` is denied unless `gate` knows who asks."""
