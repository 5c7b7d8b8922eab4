"""From a row that is due to an email that a provider has taken, once: claim, gate, hand-over, mark; and what becomes of
an outcome that nobody knows."""
