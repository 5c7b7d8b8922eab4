"""The studio: what marketing edits, shown as people will get it, with who gets it, when and why.

It reads draft files and writes nothing. `nurture preview` serves it on this machine; the same routes serve
inside the staff console.
"""
