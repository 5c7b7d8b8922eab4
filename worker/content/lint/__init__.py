"""Lint of the email content: rules are data, with one small engine.

A finding names the file and line, says what is wrong as a colleague would, and what to write instead. Errors
stop publishing; warnings ask for a look; notes show what a person has waived.
"""
