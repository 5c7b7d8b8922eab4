"""Decisions, and nothing else: pure functions over plain values, with time as an argument.

This package imports the standard library and `worker.errors` only; a conformance test holds it to that.
"""
