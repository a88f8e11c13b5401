"""What hurts the servers around the gate, and what is seen at its front door meanwhile."""
