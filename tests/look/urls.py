"""The product's addresses and a page with every component on it, for the tests alone."""

from django.urls import path

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as product
from tests.look import kitchen

__all__ = ["handler400", "handler403", "handler404", "handler500"]

urlpatterns = [
    path("kitchen/", kitchen.everything, name="kitchen"),
    path("kitchen/<slug:page>/", kitchen.drawn, name="kitchen_page"),
    *product,
]
