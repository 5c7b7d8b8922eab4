"""What tests lean on: real servers and databases, started once for a run and gone with it."""
