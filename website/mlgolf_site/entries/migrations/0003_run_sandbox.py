from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('entries', '0002_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='sandbox',
            field=models.CharField(blank=True, max_length=20),
        ),
    ]
