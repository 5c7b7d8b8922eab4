"""Foreign forms: from a vendor's webhook to a submission, and what of it can be mapped."""
