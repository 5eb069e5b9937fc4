"""Where views are kept: `markers` (one per view, and the day's salt), `counts` (sums, days, lists)."""
