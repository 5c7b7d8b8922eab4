"""Drives the real product, breaks what is around it, and judges by logs that the product never touches."""
