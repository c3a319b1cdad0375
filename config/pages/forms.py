"""How Django's forms are drawn on our pages."""

from typing import Any

from django.forms.renderers import TemplatesSetting

CLASSES = {
    "checkbox": "form-check-input",
    "radio": "form-check-input",
    "range": "form-range",
    "color": "form-control form-control-color",
    "hidden": "",
}
SELECTS = ("select.html", "select_date.html")
GROUPS = ("checkbox_select.html", "radio.html", "multiwidget.html", "splitdatetime.html")


class FormRenderer(TemplatesSetting):
    """Draws forms and fields with our own Jinja templates; the admin draws its own."""

    form_template_name = "_forms/form.html"
    field_template_name = "_forms/field.html"
    formset_template_name = "_forms/formset.html"

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        """Give every widget the class that its kind wears, then draw it."""
        if "widget" in context:
            _dress(context["widget"])
        return super().render(_ours(template_name), context, request)


def _ours(template_name: str) -> str:
    return OURS.get(template_name, template_name)


OURS = {
    "django/forms/errors/list/default.html": "_forms/errors.html",
    "django/forms/errors/list/ul.html": "_forms/errors.html",
    "django/forms/widgets/checkbox_select.html": "_forms/choices.html",
    "django/forms/widgets/radio.html": "_forms/choices.html",
    "django/forms/widgets/clearable_file_input.html": "_forms/file.html",
}


def _dress(widget: dict[str, Any]) -> None:
    """Add the classes of the theme to a widget's own, and mark what is invalid."""
    if widget.get("is_hidden"):
        return
    template: str = widget["template_name"]
    if template.endswith(GROUPS):
        for _group, options, _index in widget.get("optgroups", ()):
            for option in options:
                _add(option["attrs"], "form-check-input")
        for part in widget.get("subwidgets", ()):
            _dress(part)
        return
    classes = (
        "form-select"
        if template.endswith(SELECTS)
        else CLASSES.get(widget.get("type", ""), "form-control")
    )
    if widget["attrs"].get("aria-invalid") == "true":
        classes += " is-invalid"
    _add(widget["attrs"], classes)


def _add(attrs: dict[str, Any], classes: str) -> None:
    own = str(attrs.get("class", "")).split()
    attrs["class"] = " ".join([*own, *(name for name in classes.split() if name not in own)])
