"""What comes back: bounces, complaints, replies, robots. Each is received once and turned into the right act."""
