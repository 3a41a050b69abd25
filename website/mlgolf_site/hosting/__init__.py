"""What hosts do: make competitions, change what is said of them, commit to draws, take results out."""
