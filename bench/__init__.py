"""Benchmarks: each stage of the product against a ceiling or a peer, in alternating rounds of one run.

A figure of one moment says little on a machine that others use too; a ratio inside one round says much. So every
stage runs its ways in turn, round after round, and compares within the round. `python3 dev.py bench [STAGE …]`.
"""
