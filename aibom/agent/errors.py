"""What keeps an agent from starting."""


class AgentError(Exception):
    """Trouble that an administrator can mend; the message is one line that says what to do."""
