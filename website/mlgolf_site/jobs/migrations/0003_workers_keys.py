from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0002_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='bundle_sha256',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='job',
            name='tried_by',
            field=models.ManyToManyField(blank=True, related_name='tried', to='jobs.worker'),
        ),
        migrations.AddField(
            model_name='worker',
            name='public_key',
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
