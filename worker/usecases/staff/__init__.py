"""Who may come in, people and programs: accounts, signing in, tokens."""
