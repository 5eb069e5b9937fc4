"""Signing in and out; who may sign in is decided by `auth`."""
