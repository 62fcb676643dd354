"""Words that sound like models, agents and their makers, in a module that has none of them."""

# Somebody once proposed claude-3-opus and mistral-large here. It was a joke: there is no model.


class Agent:
    """A user agent, as browsers have one."""

    model = "ford-t"


def doors() -> dict[str, str]:
    """Return what the doors of the house are called."""
    openai = "the open one"
    claude = {"agent": "janitor", "model": "oak", "prompt": "please close"}
    return {"openai": openai, "claude": claude["model"], "embedding": "of a frame"}
