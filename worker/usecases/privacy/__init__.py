"""What is held about a person, who sees it, how it is sealed, and how it ends."""
