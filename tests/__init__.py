"""The suite: unit, integration, faults, e2e and conformance, all on real servers."""
