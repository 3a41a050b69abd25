from django.apps import AppConfig


class Config(AppConfig):
    name = "mlgolf_site.people"

    def ready(self) -> None:
        from django.db.models.signals import m2m_changed, post_save

        from mlgolf_site.people.beside import edited
        from mlgolf_site.people.models import Team

        post_save.connect(edited, sender=Team)
        m2m_changed.connect(edited, sender=Team.members.through)
