"""A page with every component, and skeletons of the drawn pages."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.utils import timezone

from accounts.models import Workspace
from config.environment import BASE_DIR

HERE = BASE_DIR / "tests" / "look" / "templates" / "look"


class EveryField(forms.Form):
    """One field of each kind."""

    name = forms.CharField(help_text="People see this in their inbox.")
    email = forms.EmailField(label="Email address")
    secret = forms.CharField(widget=forms.PasswordInput, required=False)
    note = forms.CharField(widget=forms.Textarea, required=False)
    kind = forms.ChoiceField(choices=[("a", "Single opt-in"), ("b", "Double opt-in")])
    lists = forms.MultipleChoiceField(
        choices=[("1", "Kopi Senja Weekly"), ("2", "Wholesale")],
        widget=forms.CheckboxSelectMultiple,
        help_text="People join each list apart.",
    )
    how = forms.ChoiceField(choices=[("x", "Now"), ("y", "Later")], widget=forms.RadioSelect)
    agree = forms.BooleanField(label="Track opens", required=False, help_text="By a picture.")
    when = forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    colour = forms.CharField(widget=forms.TextInput(attrs={"type": "color"}), initial="#c8752d")
    file = forms.FileField(required=False)


class Letter(forms.Form):
    """The editor's fields."""

    subject = forms.CharField(initial="Panen raya: the Gayo harvest is in, {{ first_name }}")
    body = forms.CharField(
        widget=forms.Textarea,
        initial='# Halo {{ first_name|default("reader") }},\n\nThe new **Gayo** lots came down.\n\n'
        "::button[See the three lots](https://kopisenja.example/gayo)"
        "\n\n{{ nobody_knows }} {{ city }}",
    )
    code = forms.CharField(
        widget=forms.Textarea,
        initial="<mjml>\n  <mj-body>\n    {% if city %}<mj-text>{{ city }}</mj-text>{% endif %}\n"
        "  </mj-body>\n</mjml>",
    )


def _render(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    source = (HERE / f"{name}.html").read_text(encoding="utf-8")
    return HttpResponse(engines["jinja2"].from_string(source).render(context, request))


def everything(request: HttpRequest) -> HttpResponse:
    """Show every component."""
    form = EveryField(request.POST if request.method == "POST" else None)
    messages.success(request, "Saved. Three people were added to Kopi Senja Weekly.")
    messages.error(request, "Gmail did not answer. Nothing was sent; try again in a minute.")
    return _render(request, "kitchen", form=form, letter=Letter(), now=timezone.now())


def drawn(request: HttpRequest, page: str) -> HttpResponse:
    """Show the skeleton of one drawn page."""
    return _render(request, page, brand=Workspace.objects.first(), now=timezone.now())
