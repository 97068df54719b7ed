"""The templates of the pages, what all of them use, and the headers that a page of them needs."""

import base64
import hashlib
from collections.abc import Sequence
from functools import partial
from importlib import resources
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from frs_exporter import __version__
from frs_exporter.status.i18n import Translator
from frs_exporter.status.moment import day_and_time
from frs_exporter.status.summary import since, state

ENVIRONMENT = Environment(
    loader=PackageLoader("frs_exporter.web"), autoescape=True, undefined=StrictUndefined, auto_reload=False
)


def text_of(name: str) -> str:
    """A file beside the templates."""
    return resources.files(__package__).joinpath("templates", name).read_text("utf-8")


STYLE, SCRIPT = text_of("status.css"), text_of("status.js")


def source_hash(text: str) -> str:
    """How a Content-Security-Policy names one inline text, so that no other counts."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def headers_of(styles: Sequence[str], script: str = "") -> dict[str, str]:
    """The headers of a page that has these styles, and this script."""
    scripts = f"script-src {source_hash(script)}; connect-src 'self'; " if script else ""
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {' '.join(map(source_hash, styles))}; {scripts}"
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
    }


def shared(words: Translator, lang: str, styles: Sequence[str], script: str = "") -> dict[str, Any]:
    """What each template uses; `lang` is the language that was chosen, empty for the reader's own."""
    return {
        "version": __version__,
        "styles": styles,
        "script": script,
        "t": words,
        "lang": lang,
        "day_and_time": day_and_time,
        "state": partial(state, words),
    }


def own_query(lang: str) -> str:
    """The query that keeps the language that was chosen, empty where none was."""
    return urlencode({"lang": lang} if lang else {})


def probe_query(lang: str, project: str) -> str:
    """The query that asks about a project now, and tells how, in the language that was chosen."""
    return "&".join(filter(None, (urlencode({"project": project, "debug": "true"}), own_query(lang))))


ENVIRONMENT.globals.update(own_query=own_query, probe_query=probe_query, since=since)
