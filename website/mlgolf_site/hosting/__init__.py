"""What hosts do: make competitions, edit them, commit to draws, take results out."""
