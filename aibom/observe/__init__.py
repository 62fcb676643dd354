"""The only code that touches the host. It yields facts and says what it could not see."""
