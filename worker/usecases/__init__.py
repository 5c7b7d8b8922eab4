"""What the product does, one verb a file. Each opens and closes its own transactions, and makes no
network call inside one. Entry points parse, call one of these, and map its outcome."""
