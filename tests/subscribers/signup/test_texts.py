"""Words of forms and lists: written, shown in the right language, taken back."""

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client

from subscribers.models import PublicText
from subscribers.signup import texts
from subscribers.signup.texts import Kind
from tests.subscribers.signup.signing import CONFIRM, link_in, send


def written(client, owner, kind, language, text, *, subject=""):  # noqa: PLR0913 - a form
    path = f"/{owner}/texts/?kind={kind}&language={language}"
    return client.post(path, {"do": "save", "subject": subject, "text": text})


@pytest.fixture
def paths(form, weekly):
    return {"form": f"forms/{form.pk}", "list": f"lists/{weekly.pk}"}


def confirm_mail(form, language="en"):
    mail.outbox.clear()
    send(form, f"{language}{PublicText.objects.count()}@example.org", language=language)
    return mail.outbox[0]


def test_the_forms_words_go_before_the_lists_and_both_before_ours(editor_client, form, paths):
    written(editor_client, paths["list"], "confirm_mail", "en", "List says hi.")
    assert "List says hi." in confirm_mail(form).body
    written(
        editor_client,
        paths["form"],
        "confirm_mail",
        "en",
        "**Form** says hi to {{ lists }}: {{ confirm_url }}",
        subject="Please: {{ lists }}",
    )
    letter = confirm_mail(form)
    assert letter.subject == "Please: Weekly"
    assert "Form says hi to Weekly" in letter.body
    assert "<strong>Form</strong>" in letter.alternatives[0][0]
    assert link_in(letter)
    editor_client.post(f"/{paths['form']}/texts/?kind=confirm_mail&language=en", {"do": "forget"})
    assert "List says hi." in confirm_mail(form).body


def test_other_languages_keep_the_usual_words(editor_client, form, paths):
    written(editor_client, paths["form"], "confirm_mail", "en", "Hello from us.")
    written(editor_client, paths["form"], "signed_up", "id", "Terima kasih, **kawan**.")
    form.language = "id"
    form.save()
    assert "Hello from us." not in confirm_mail(form, "id").body
    page = Client().get(f"/s/{form.public_id}/done/").text
    assert "Terima kasih, <strong>kawan</strong>." in page
    assert "kawan" not in Client().get(f"/s/{form.public_id}/done/?language=en").text


def test_a_welcome_mail_goes_out_once_with_what_is_known(editor_client, client, form, paths):
    form.sends_welcome = True
    form.save()
    text = 'Hi {{ first_name|default("you") }}: [yours]({{ preferences_url }})'
    written(editor_client, paths["list"], "welcome_mail", "en", text, subject="Hi {{ first_name }}")
    send(form, first_name="Ana <script>")
    link = link_in(mail.outbox[0])
    for _press in range(2):
        client.post(link, CONFIRM)
    (welcome,) = mail.outbox[1:]
    assert welcome.subject == "Hi Ana <script>"
    assert isinstance(welcome, EmailMultiAlternatives)
    assert "<script>" not in welcome.alternatives[0][0]
    address = welcome.body.split("yours: ")[1].split()[0]
    assert "Choose what you receive" in client.get(address[address.index("/p/") :]).text


def test_before_somebody_has_confirmed_their_words_are_not_repeated(editor_client, form, paths):
    answer = written(editor_client, paths["form"], "confirm_mail", "en", "Hi {{ first_name }}")
    assert answer.status_code == 422
    assert "first_name }} is not known here" in answer.text
    assert not PublicText.objects.exists()


def test_scripts_and_formulas_stay_text(editor_client, client, form, paths):
    text = "=cmd|'/C calc'!A0 <script>alert(1)</script> [x](javascript:alert(1))"
    for kind in ("signed_up", "footer"):
        written(editor_client, paths["form"], kind, "en", text)
    page = client.get(f"/s/{form.public_id}/done/").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    preview = editor_client.post(
        f"/{paths['form']}/texts/?kind=footer&language=en", {"do": "preview", "text": text}
    )
    assert "<script>alert" not in preview.text
    assert "&lt;script&gt;" in preview.text


def test_the_footer_and_unsubscribe_words_of_a_list(editor_client, workspace, weekly, paths):
    written(editor_client, paths["list"], "footer", "en", "Registered in Bandung.")
    written(editor_client, paths["list"], "unsubscribe", "en", "Sad to see you go.")
    values = {"lists": "Weekly"}
    for kind in (Kind.FOOTER, Kind.UNSUBSCRIBE):
        assert texts.find(kind, language="en", lists=[weekly], values=values)
        assert not texts.find(kind, language="id", lists=[weekly], values=values)


def test_nobody_else_writes_them(outsider_client, analyst_client, form, paths):
    for path in paths.values():
        assert written(outsider_client, path, "footer", "en", "x").status_code == 404
        assert written(analyst_client, path, "footer", "en", "x").status_code == 403
    assert not PublicText.objects.exists()


def test_every_kind_can_be_opened_in_every_language(editor_client, paths):
    for path in paths.values():
        for kind in Kind.values:
            for language in ("en", "id", "xx"):
                answer = editor_client.get(f"/{path}/texts/?kind={kind}&language={language}")
                assert answer.status_code == 200


def test_a_preview_of_words_with_a_mistake_shows_the_mistake_alone(editor_client, paths):
    answer = editor_client.post(
        f"/{paths['form']}/texts/?kind=confirm_mail&language=en",
        {"do": "preview", "subject": "{{ nobody }}", "text": "x"},
        headers={"hx-request": "true"},
    )
    assert answer.status_code == 200
    assert "nobody" in answer.text
    assert "<html" not in answer.text
