"""How the product is: figures, one sentence, alarms, and what is planned to go out."""
