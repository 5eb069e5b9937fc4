"""Websites made with other people's tools, with the snippet in them, in Chromium and in Firefox."""
