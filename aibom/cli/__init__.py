"""One module per command. The only code that prints, reads arguments or exits."""
