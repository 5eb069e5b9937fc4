"""Templates of pages and mails. Autoescaped; a missing value is an error, never a gap. Pure."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.settings import Settings

_FOLDER = Path(__file__).parent / "web"
# Only the package that starts fast has compiled templates; elsewhere the files are read.
_COMPILED = _FOLDER.parent.parent / "templates"


@cache
def _environment() -> Any:
    # Costly to import; counting views needs no templates.
    from jinja2 import Environment, FileSystemLoader, ModuleLoader, StrictUndefined

    compiled = _COMPILED.is_dir()
    return Environment(
        loader=ModuleLoader(_COMPILED) if compiled else FileSystemLoader(_FOLDER / "templates"),
        autoescape=_escapes,  # noqa: S701  everything but plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _escapes(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")


def render(template: str, company: Settings, **values: Any) -> str:
    """Render a template with the company's settings as `company`.

    Values are escaped in `.html`, not in `.txt`.
    """
    return str(_environment().get_template(template).render(company=company, **values))


def precompile() -> None:
    """Compile all templates to Python, for a package that starts fast. Raises TemplateError."""
    _environment().compile_templates(_COMPILED, zip=None, ignore_errors=False)


@cache
def style(name: str, company: Settings) -> str:
    """Return the stylesheet `web/<name>.css` in the company's colours."""
    css = (_FOLDER / f"{name}.css").read_text(encoding="utf-8")
    css = css.replace(Settings.accent, company.accent)
    return css.replace(Settings.accent_dark, company.accent_dark)


def page(
    name: str, language: str, company: Settings, css: str = "style", **values: Any
) -> tuple[str, str]:
    """Render a page of ours; return it with its content security policy.

    The policy allows the page its own style and form, and nothing else.
    """
    text_css = style(css, company)
    digest = base64.b64encode(hashlib.sha256(text_css.encode()).digest()).decode()
    text = render(f"page/{name}.html", company, css=text_css, language=language, **values)
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return text, policy
