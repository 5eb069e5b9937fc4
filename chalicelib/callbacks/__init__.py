"""Callbacks: a visitor leaves a number and is called back within the hotline's opening hours.

    – ── submit ──→ open         (as soon as possible; the alert goes at once, or when the line opens)
    – ── submit ──→ scheduled    (for a window the visitor chose)

A number has at most one live request: a second one merges into it, and is answered alike. A submit writes the
request, its lock on the number, what happened, and the alerts it owes, in one transaction.
Read on: `hotline` (opening hours), `model` (the states), `numbers`, `store`, `alerts`, `reactions`, `routes`.
"""
