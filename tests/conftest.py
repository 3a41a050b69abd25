"""Settings of every test. Its presence puts this folder, and so the shared helpers, on the path."""

from hypothesis import settings

# No test is judged by how long it took: the machine may be shared.
settings.register_profile("mlgolf", deadline=None)
settings.load_profile("mlgolf")
