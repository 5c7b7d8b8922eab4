"""The form that other websites embed with one script: small, without cookies, and from nobody but us."""
