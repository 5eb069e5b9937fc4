"""Signing in and out; `auth` decides who may sign in."""
