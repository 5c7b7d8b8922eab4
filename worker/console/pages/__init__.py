"""The pages of the console, one module each: `ROUTES`, and a function for each route."""
