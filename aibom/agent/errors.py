"""What goes wrong with an agent, said to people."""


class AgentError(Exception):
    """Trouble that an administrator can mend; the message is one line: what, where, what to do."""
