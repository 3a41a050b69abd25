from django.apps import AppConfig


class Config(AppConfig):
    name = "mlgolf_site.contests"

    def ready(self) -> None:
        from django.db.models.signals import m2m_changed, post_save

        from mlgolf_site.contests.beside import edited
        from mlgolf_site.contests.models import Announcement, Contest

        post_save.connect(edited, sender=Contest)
        post_save.connect(edited, sender=Announcement)
        m2m_changed.connect(edited, sender=Contest.hosts.through)
        m2m_changed.connect(edited, sender=Contest.jury.through)
