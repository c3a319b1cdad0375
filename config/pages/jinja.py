"""The environment of our pages: what every template may call, and how values are written."""

from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.templatetags.static import static
from django.utils import translation
from jinja2 import Environment, StrictUndefined
from jinja2.utils import missing

from accounts.workspaces.workspace_urls import in_workspace
from config.pages import colour, display, drawing, icons, shell
from config.pages.links import url


class MissingName(StrictUndefined):
    """A name that nobody passed is an error wherever it is used, in production as in tests.

    A page that quietly leaves something out is worse than one that fails and is mended. Only "is
    there such a key?" may be asked of an object or a dict: `{% if item.note %}`.
    """

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # a method there, aliased to Never
        """Be false for a key that is not there; fail for a name that nobody passed."""
        if self._undefined_obj is missing:
            self._fail_with_undefined_error()
        return False


def environment(**options: Any) -> Environment:
    """Make the Jinja environment of our pages."""
    options["undefined"] = MissingName
    options["trim_blocks"] = options["lstrip_blocks"] = True
    options["extensions"] = ["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"]
    env = Environment(**options)  # noqa: S701 - Django passes autoescape=True
    env.install_gettext_callables(  # type: ignore[attr-defined]  # added by jinja2.ext.i18n
        translation.gettext,
        translation.ngettext,
        newstyle=True,
        pgettext=translation.pgettext,
        npgettext=translation.npgettext,
    )
    env.policies["json.dumps_kwargs"] = {"cls": DjangoJSONEncoder, "ensure_ascii": False}
    env.globals.update(
        url=url,
        in_workspace=in_workspace,
        most_sent=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        static=static,
        icon=icons.icon,
        initials=display.initials,
        smooth_path=drawing.smooth_path,
        current_language=translation.get_language,
    )
    env.filters.update(display.FILTERS | colour.FILTERS)
    return env


def page_context(request: Any) -> dict[str, Any]:
    """What every page knows; nothing here asks the database before the page does."""
    return {"shell": shell.Shell(request), "csp_nonce": request.csp_nonce}
