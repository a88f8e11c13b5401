"""Proofs that need several processes at once: real Redis, real database, real HTTP servers."""
