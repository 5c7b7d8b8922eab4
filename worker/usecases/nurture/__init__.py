"""The course of a lead through its sequence: put in, held, moved, hurried, taken out; and what comes next in it."""
