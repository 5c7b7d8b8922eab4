"""Drafts that are written in the studio: where they stand, saving, giving up, publishing, and how they look."""
