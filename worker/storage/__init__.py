"""Where truth is kept: tables, every query, sealing, and the spool that bridges intake to the database."""
