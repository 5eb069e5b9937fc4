"""Pages of other people's websites with the snippet in them, in Chromium and in Firefox."""
