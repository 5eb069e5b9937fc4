"""Templates of pages and mails, in the reader's language. Pure.

Autoescaped; a missing value is an error, never a gap. A company may put a template of its own in
`templates` in its folder.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib import company, texts
from chalicelib.formats import Formats
from chalicelib.settings import Settings

_FOLDER = Path(__file__).parent / "web"
# Only the package that starts fast has compiled templates; elsewhere the files are read.
_COMPILED = _FOLDER.parent.parent / "templates"
# What a page of ours with the snippet may do besides.
SNIPPET_POLICY = "script-src 'self'; connect-src 'self'; worker-src blob:"
# The colours that the stylesheets have in place of the company's.
_ACCENT, _ACCENT_DARK = "#0b5c4d", "#5fd0b5"


@cache
def _environment(own: Path) -> Any:
    # Costly to import; counting views needs no templates.
    from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined

    compiled = _COMPILED.is_dir() and own == company.FOLDER
    environment = Environment(
        loader=ModuleLoader(_COMPILED)
        if compiled
        else FileSystemLoader([own / "templates", _FOLDER / "templates"]),
        autoescape=_escapes,  # noqa: S701  everything but plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    if not compiled:  # a compiled template has its calls for words already
        environment.add_extension("jinja2.ext.i18n")
        environment.policies["ext.i18n.trimmed"] = True
        environment.newstyle_gettext = True  # type: ignore[attr-defined]
    return environment


def _escapes(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")


def render(template: str, settings: Settings, language: str, **values: Any) -> str:
    """Render a template in a language. Values are escaped in `.html`, not in `.txt`.

    A template says words by `_`, `ngettext`, `pgettext` and `trans`, and has `company`, `settings`,
    `language`, `formats`; `link(name)`, `said(text)`, `newsletter_topic(id)`, `callback_topic(id)`
    in the language; and `language_name(code)`.
    """
    own = company.current()
    found = _environment(company.folder()).get_template(template)
    given: dict[str, Any] = {
        "company": own,
        "settings": settings,
        "language": language,
        "formats": Formats(language, settings.time_zone),
        "link": lambda name: own.link(name, language),
        "said": lambda name: own.texts[language][name],
        "newsletter_topic": lambda topic: own.newsletter_topic(topic, language),
        "callback_topic": lambda topic: own.callback_topic(topic, language),
        "language_name": language_name,
        **_words(language, company.folder()),
    }
    return str(found.render({**given, **values}))


def language_name(language: str) -> str:
    """Return what a language calls itself, such as `Deutsch`."""
    return texts.of(language).pgettext("name of this language", "English")


@cache
def _words(language: str, where: Path) -> dict[str, Callable[..., str]]:
    """Return the functions by which templates say words; values are escaped as the template is."""
    from jinja2 import pass_eval_context
    from markupsafe import Markup

    words = texts.of(language)

    def filled(context: Any, text: str, values: dict[str, Any]) -> str:
        return (Markup(text) if context.autoescape else text) % values  # noqa: S704

    @pass_eval_context
    def gettext(context: Any, word: str, **values: Any) -> str:
        return filled(context, words.gettext(word), values)

    @pass_eval_context
    def pgettext(context: Any, about: str, word: str, **values: Any) -> str:
        return filled(context, words.pgettext(about, word), values)

    @pass_eval_context
    def ngettext(context: Any, one: str, many: str, num: int, **values: Any) -> str:
        return filled(context, words.ngettext(one, many, num), {"num": num, **values})

    return {"_": gettext, "gettext": gettext, "pgettext": pgettext, "ngettext": ngettext}


def precompile() -> None:
    """Compile all templates to Python, for a package that starts fast. Raises TemplateError."""
    environment = _environment(company.FOLDER)
    environment.compile_templates(_COMPILED, zip=None, ignore_errors=False)


def style(name: str) -> str:
    """Return the stylesheet `web/<name>.css` in the company's colours."""
    return _style(name, company.folder())


@cache
def _style(name: str, where: Path) -> str:
    css = (_FOLDER / f"{name}.css").read_text(encoding="utf-8")
    own = company.current()
    return css.replace(_ACCENT, own.accent).replace(_ACCENT_DARK, own.accent_dark)


def page(
    name: str, settings: Settings, language: str, css: str = "style", **values: Any
) -> tuple[str, str]:
    """Render a page of ours; return it with its content security policy.

    The policy allows the page its own style and form, and nothing else.
    """
    text_css = style(css)
    digest = base64.b64encode(hashlib.sha256(text_css.encode()).digest()).decode()
    text = render(f"page/{name}.html", settings, language, css=text_css, **values)
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return text, policy
