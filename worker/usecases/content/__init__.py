"""What emails say, through time: checked, published, compared, and how many people stand at each step of it."""
