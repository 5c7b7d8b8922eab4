"""Keeps the parts of the product running on one machine: embedded Valkey, child processes, one instance."""
