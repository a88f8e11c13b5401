"""What the gate costs, beside every peer and a bare Django, in one run: `make bench`."""
