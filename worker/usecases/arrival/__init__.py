"""Where a lead comes from: from a post to a stored, routed, answered lead, whoever posts it and however often."""
