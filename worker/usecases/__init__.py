"""What the product does: a package for each subject, a file for each verb. Each opens and closes its own transactions,
and makes no network call inside one. Entry points parse, call one of these, and map its outcome."""
