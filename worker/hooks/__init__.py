"""Forms of other vendors: a table for each that turns its webhook into answers. Nothing here decides what they mean."""
