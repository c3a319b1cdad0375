"""How Django's forms are drawn on our pages."""

from django.forms.renderers import TemplatesSetting


class FormRenderer(TemplatesSetting):
    """Draws forms and fields with our own Jinja templates; the admin draws its own."""

    form_template_name = "_forms/form.html"
    field_template_name = "_forms/field.html"
