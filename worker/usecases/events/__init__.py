"""What happened to a lead elsewhere: told by staff, by a program or by a calendar. Told twice, it happened once."""
