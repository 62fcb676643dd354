"""What stops an agent."""


class AgentError(Exception):
    """An agent cannot begin; the message is one clear line for people."""
