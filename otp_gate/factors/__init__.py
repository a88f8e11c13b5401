"""Ways to prove it: one file, one factor, all with the same few verbs (`base.Factor`)."""
