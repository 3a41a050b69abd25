"""The nouns of ML Golf and the seams between its parts. Standard library, numpy and pydantic."""
