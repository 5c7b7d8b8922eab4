"""What people at the clinic do with leads: find, understand, answer, correct, release, and decide about what was set
aside."""
