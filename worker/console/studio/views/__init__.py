"""What the pages show, as values: pure functions of the content, without HTML and without a clock of their own."""
