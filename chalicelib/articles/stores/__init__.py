"""The storage of views: `markers` (one a view, and the day's salt), `counts` (sums and lists)."""
