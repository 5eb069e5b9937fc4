"""Make a pseudo-language, each word marked and 40 % longer, to find what is not translated.

`python -m tests.pseudo FOLDER` writes a company that speaks it, with its catalogue. A stage speaks
it with `COMPANY_FOLDER=FOLDER`; so does `make preview`.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polib

from chalicelib import company
from infra import declaration

LANGUAGE = "qps"  # of the codes that ISO 639 leaves for private use
OPEN, CLOSE = "⟦", "⟧"
ROOT = Path(__file__).parent.parent
_FIXED = re.compile(r"%\(\w+\)s|\{\w+\}|%%|<[^>]+>")
_WORD = re.compile(r"[^\W\d_]+")
# What is handed to a machine: a subject that has to be ASCII, how a number is written.
_KEPT = ("subject of an SNS message, ASCII", "between thousands", "before decimals")


def pseudo(text: str) -> str:
    """Return a text marked and with each word 40 % longer; placeholders and tags stay."""
    parts, end = [], 0
    for fixed in _FIXED.finditer(text):
        parts += [_longer(text[end : fixed.start()]), fixed.group()]
        end = fixed.end()
    return f"{OPEN}{''.join(parts)}{_longer(text[end:])}{CLOSE}"


def _longer(text: str) -> str:
    return _WORD.sub(lambda word: word[0] + "ẋ" * round(0.4 * len(word[0])), text)


def unmarked(text: str) -> str:
    """Return what of a text is not marked."""
    inner = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
    while inner.search(text):
        text = inner.sub(" ", text)
    return text


def write(folder: Path) -> Path:
    """Write the company that speaks the pseudo-language and return its folder."""
    shutil.copytree(company.FOLDER, folder, dirs_exist_ok=True)
    entries = company.read(company.FOLDER)
    source, spoken = "en", [LANGUAGE, *entries["languages"]]
    for group in ("links", "newsletter_topics", "callback_topics"):
        for labels in entries[group].values():
            labels[LANGUAGE] = labels[source] if group == "links" else pseudo(labels[source])
    texts = entries["texts"]
    texts[LANGUAGE] = {name: pseudo(text) for name, text in texts[source].items()}
    (folder / "company.toml").write_text(_toml({**entries, "languages": spoken}), "utf-8")
    for what in ("newsletter", "callback"):
        draft = (folder / "consent" / f"{what}.{source}.txt").read_text("utf-8")
        (folder / "consent" / f"{what}.{LANGUAGE}.txt").write_text(pseudo(draft.strip()), "utf-8")
    (folder / "texts").mkdir(exist_ok=True)
    _catalogue(folder / "texts" / f"{LANGUAGE}.po")
    own = company.Company(company.read(folder))
    list(declaration.freeze(own, folder / "consent"))
    return folder


def _catalogue(file: Path) -> None:
    command = [str(Path(sys.executable).parent / "pybabel"), "-q", "extract"]
    collected = file.with_suffix(".pot")
    subprocess.run(
        [*command, "-F", "pyproject.toml", "-o", str(collected), "."], cwd=ROOT, check=True
    )
    words = polib.pofile(str(collected))
    for each in words:
        keep = each.msgctxt in _KEPT
        if each.msgid_plural:
            each.msgstr_plural = {0: pseudo(each.msgid), 1: pseudo(each.msgid_plural)}
        else:
            each.msgstr = each.msgid if keep else pseudo(each.msgid)
    words.metadata["Plural-Forms"] = "nplurals=2; plural=n != 1;"
    words.save(str(file))


def _toml(entries: Mapping[str, Any]) -> str:
    """Write the entries of a company; JSON's strings and lists are TOML's, too."""
    plain = {name: value for name, value in entries.items() if not isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in plain.items()]
    for group, members in entries.items():
        if group in plain:
            continue
        for name, values in members.items():
            lines.append(f"[{group}.{name}]")
            lines += [
                f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()
            ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
