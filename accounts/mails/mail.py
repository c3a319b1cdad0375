"""The product's own mails (invitation, password reset, confirmation), in the reader's language.

A mail is a folder ``templates/mail/<name>/`` with ``subject.txt``, ``body.txt`` and ``body.mjml``.
"""

from collections.abc import Mapping
from typing import Any

import mrml
from django.template import engines
from django.utils import translation

# mrml would ask the reader's mail program for fonts from a third party's server.
OPTIONS = mrml.RenderOptions(disable_comments=False, fonts={})


def compose(name: str, context: Mapping[str, Any], language: str) -> tuple[str, str, str]:
    """Return (subject, plain text, HTML) of the mail of this name.

    The subject is one line whatever the context holds, so no value can add a header (RFC 5322
    §2.2). Values are escaped in the HTML part only.
    """
    env = engines["jinja2"].env  # type: ignore[attr-defined]  # the Jinja backend has it
    plain = env.overlay(autoescape=False)
    escaped = env.overlay(autoescape=True)
    with translation.override(language):
        subject = plain.get_template(f"mail/{name}/subject.txt").render(context)
        text = plain.get_template(f"mail/{name}/body.txt").render(context)
        mjml = escaped.get_template(f"mail/{name}/body.mjml").render(context, language=language)
    return " ".join(subject.split()), text.strip() + "\n", mrml.to_html(mjml, None, OPTIONS).content
