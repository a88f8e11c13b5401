"""How a code reaches a person: one file, one way."""
