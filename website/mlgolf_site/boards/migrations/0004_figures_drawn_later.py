from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('boards', '0003_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='snapshot',
            name='drawn',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='snapshot',
            name='is_drawn',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='snapshot',
            name='tiers',
            field=models.JSONField(default=list),
        ),
    ]
