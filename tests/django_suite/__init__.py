"""Django's own test suite with the gate in its middleware chains; run by `make projects`."""
