"""Addresses of this room."""

from django.urls import path

from subscribers.views import forms, signup

urlpatterns = [
    path("forms/", forms.form_list, name="form_list"),
    path("forms/new/", forms.form_new, name="form_new"),
    path("forms/<int:form_id>/", forms.form_edit, name="form_edit"),
    path("s/<str:public_id>/", signup.public_signup, name="public_signup"),
    path("s/<str:public_id>/done/", signup.public_signup_done, name="public_signup_done"),
    path("confirm/<str:token>/", signup.public_confirm, name="public_confirm"),
]
