"""Reports for staff and the owner: figures from the ledger, tallied by day, small numbers kept back."""
