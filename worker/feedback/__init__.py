"""What comes back, from foreign words to ours: one small file for each provider, and one for each kind of mail."""
