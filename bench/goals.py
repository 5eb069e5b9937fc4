"""The goals of performance, as ratios within one run."""

from typing import Any

F = "bare boto3 client"
OURS = "customer-contact"
MAILER = "deliver_messages"
# Its first event makes some 240 queries, so it cannot be compared with one that makes one query.
BATCH = "rank_articles"
ZIPPED = 8 << 20


def cold(results: dict[str, Any], name: str) -> float:
    """Return the millions of instructions until the first request is answered."""
    found = results["instructions"][name]
    return float(found["import"] + found["first"])


def warm(results: dict[str, Any], name: str, what: str) -> float:
    """Return the millions of instructions of one warm request."""
    return float(results["instructions"][name]["requests"][what])


def goals(results: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Return for each goal its name, the ratio reached, and the highest ratio that meets it."""
    floor = cold(results, F)
    small = [name for name in results["streams"] if name not in (MAILER, BATCH)]
    memory = {name: each["rss"] for name, each in results["times"].items()}
    return [
        ("new view, of F", warm(results, OURS, "view") / warm(results, F, "view"), 0.80),
        (
            "signup, of a bare handler's",
            warm(results, OURS, "signup") / warm(results, "bare, signup", "signup"),
            1.0,
        ),
        (
            "callback, of a bare handler's",
            warm(results, OURS, "callback") / warm(results, "bare, callback", "callback"),
            1.0,
        ),
        ("API, cold, of F", cold(results, OURS) / floor, 0.82),
        *((f"{name}, cold, of F", cold(results, name) / floor, 0.60) for name in small),
        (
            f"{MAILER}, which renders and sends a mail, cold, of F",
            cold(results, MAILER) / floor,
            0.75,
        ),
        ("API, memory, of F", memory[OURS] / memory[F], 0.95),
        *((f"{name}, memory, of F", memory[name] / memory[F], 0.95) for name in results["streams"]),
        ("zip, of 8 MB", results["zipped"]["optimised"] / ZIPPED, 1.0),
    ]
