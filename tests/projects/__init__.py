"""Projects of other people, each gated by the three lines only; run by `make projects`."""
