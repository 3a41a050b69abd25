from django.apps import AppConfig


class Config(AppConfig):
    name = "mlgolf_site.hosting"
