"""What marketing staff edit: read it, check it, render it, publish it.

`Catalog` is the content as values. Workers build it from the active snapshot only, the preview and the
simulator from the draft files; both through the same functions.
"""
