"""What a person decides for themselves by a link in an email. No link needs a password, and none is counted as used by
a program that merely looks at it."""
