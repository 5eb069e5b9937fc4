"""Templates: pages and mails in two languages. Autoescaped, and a missing value is an error, never a gap."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.settings import Settings, current

_FOLDER = Path(__file__).parent / "web"
_COMPILED = (
    _FOLDER.parent.parent / "templates"
)  # in a package that starts fast; elsewhere they are read as they stand


@cache
def _environment() -> Any:
    # Costly to import; counting needs none.
    from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined

    def escapes(name: str | None) -> bool:
        return name is None or not name.endswith(".txt")

    return Environment(
        loader=ModuleLoader(_COMPILED)
        if _COMPILED.is_dir()
        else FileSystemLoader(_FOLDER / "templates"),
        autoescape=escapes,  # noqa: S701  everything but plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **values: Any) -> str:
    """A template's text with the company's settings as `company`; `.html` is escaped, `.txt` is not."""
    return str(_environment().get_template(template).render(company=current(), **values))


def precompile() -> None:
    """Makes Python of all templates, for a package whose functions then need not read them. Raises TemplateError."""
    _environment().compile_templates(_COMPILED, zip=None, ignore_errors=False)


def style(name: str) -> str:
    """A stylesheet with the company's colours."""
    css, company = (_FOLDER / f"{name}.css").read_text(encoding="utf-8"), current()
    return css.replace(Settings.accent, company.accent).replace(
        Settings.accent_dark, company.accent_dark
    )


@cache
def _style(name: str) -> tuple[str, str]:
    css = style(name)
    return css, base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()


def page(name: str, language: str, style: str = "style", **values: Any) -> tuple[str, str]:
    """A page of ours and its content security policy: nothing but the page's own style and form."""
    css, digest = _style(style)
    text = render(f"page/{name}.html", css=css, language=language, **values)
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return text, policy
