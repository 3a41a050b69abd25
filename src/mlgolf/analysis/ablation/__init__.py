"""What each of several methods gives, alone and together, from what their combinations reached."""
