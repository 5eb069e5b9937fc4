"""`python -m ops prove`: what a deployed stage does, seen by trying it, in a dated report.

`lines` is the table of what is proven. A line does its work through a `Run`, which knows the stage,
waits with progress, and keeps a journal of what was made, so that all of it goes again, whatever
happens. `report` says how it went.
"""
