from django.apps import AppConfig


class Config(AppConfig):
    name = "mlgolf_site.jobs"

    def ready(self) -> None:
        from django.db.models.signals import post_save

        from mlgolf_site.entries.models import Entry, Run
        from mlgolf_site.jobs.beside import edited

        post_save.connect(edited, sender=Entry)
        post_save.connect(edited, sender=Run)
