"""What each kind of finding means and what to do about it: one text for every format."""

from aibom.compare import kinds
from aibom.types.diff import KindHelp

_DECLARE = (
    "Find out who brought it. If it belongs here, declare it in the SBOM or allow it in the"
    " policy; if not, stop the load and take it out of the workload."
)
_SAME = (
    "Decide which of the two is right: update the declaration, or put the declared one in place."
)
_LOADED = (
    "Load the model in a way that runs none of its code, or replace it by one that carries none."
)

#: Every kind, in the order of the ids.
HELP: tuple[KindHelp, ...] = (
    KindHelp(
        kinds.UNDECLARED["model"],
        "high",
        "A model was loaded that no document names by its content, its package URL or its path.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED["adapter"],
        "high",
        "An adapter (LoRA and the like) was loaded that no document names. An adapter changes"
        " what a reviewed model says.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED["framework"],
        "medium",
        "AI software was loaded that no document names.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED["package"],
        "medium",
        "A package was loaded that no document names.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED["mcp-server"],
        "medium",
        "An MCP server ran that no document names.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED["data"],
        "medium",
        "Data of AI software, such as a vector index, was read that no document names.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED["agent"],
        "medium",
        "An agent ran that no document names.",
        _DECLARE,
    ),
    KindHelp(
        kinds.UNDECLARED_API,
        "medium",
        "The workload talked to the API of a model that no document names: its prompts leave.",
        "Find out what is sent there. Declare the API or allow it in the policy, or block it.",
    ),
    KindHelp(
        kinds.UNDECLARED_SOURCE,
        "medium",
        "Something was downloaded from a place that no document names.",
        "Pin what is needed and build it into the image, or allow the place in the policy.",
    ),
    KindHelp(
        kinds.NOT_IN_SBOM,
        "medium",
        "It is in a layer of the image, and the SBOM that was given does not name it.",
        "Make the SBOM again with a tool that sees it, or add it by its SHA-256.",
    ),
    KindHelp(kinds.DIFFERENT_VERSION, "medium", "Declared in another version.", _SAME),
    KindHelp(
        kinds.DIFFERENT_REVISION,
        "medium",
        "Declared at another commit of its repository.",
        _SAME,
    ),
    KindHelp(
        kinds.DIFFERENT_CONTENT,
        "high",
        "Declared by a hash that is not the one of what was loaded.",
        "Find out who changed it. Put the declared content in place, or review the new one and"
        " declare its hash.",
    ),
    KindHelp(kinds.DIFFERENT_LICENCE, "low", "Declared with another licence.", _SAME),
    KindHelp(kinds.DIFFERENT_BASE, "medium", "Declared as made of another base model.", _SAME),
    KindHelp(
        kinds.OUTSIDE_IMAGE,
        "low",
        "It is declared, and was loaded from a place that is not the image.",
        "Build it into the image, or mount it from a volume that is reviewed.",
    ),
    KindHelp(
        kinds.CONCERNS["base-mismatch"],
        "medium",
        "An adapter names another base model than the one that it is loaded on.",
        "Load the adapter on the base model that it was trained for.",
    ),
    KindHelp(
        kinds.CONCERNS["served-model-mismatch"],
        "medium",
        "A server loaded another model than its command line says, or serves it under another"
        " name.",
        "Load what the command line names, and serve it under its own name.",
    ),
    KindHelp(
        kinds.CONCERNS["hub-mismatch"],
        "high",
        "The content is not the one that the hub's cache says it downloaded.",
        "Download it again, and find out who wrote to the cache.",
    ),
    KindHelp(
        kinds.MODIFIED,
        "high",
        "The file at this path is not the one that the image has there: it was changed after the"
        " container started.",
        "Find out who wrote it. Start the container anew from its image, read-only if possible.",
    ),
    KindHelp(
        kinds.CONCERNS["pickle-code"],
        "high",
        "A pickle calls more than data needs: loading it runs code of its author.",
        "Do not load it; use the same weights as safetensors.",
    ),
    KindHelp(
        kinds.CONCERNS["layer-code"],
        "medium",
        "Layers or operations of the model carry code, or reach files.",
        _LOADED,
    ),
    KindHelp(
        kinds.CONCERNS["custom-code"],
        "medium",
        "The model brings Python code of its own.",
        "Review the code at that commit, or load without trust_remote_code.",
    ),
    KindHelp(
        kinds.CONCERNS["chat-template"],
        "medium",
        "The chat template does more than format messages.",
        "Review the template, or give the runtime one of your own.",
    ),
    KindHelp(
        kinds.CONCERNS["outside-reference"],
        "medium",
        "The model names files outside of its folder, which its runtime would read.",
        "Do not load it.",
    ),
    KindHelp(
        kinds.CONCERNS["mcp-not-configured"],
        "medium",
        "A client started an MCP server that none of its configurations names.",
        "Add it to the client's configuration, or stop it.",
    ),
    KindHelp(
        kinds.CONCERNS["mcp-not-running"],
        "info",
        "An MCP server is configured, not switched off, and does not run.",
        "Take it out of the configuration if nobody needs it.",
    ),
    KindHelp(
        kinds.CONCERNS["mcp-exposed"],
        "medium",
        "An MCP server listens beyond the loopback.",
        "Let it listen on loopback only, or require authentication.",
    ),
    KindHelp(
        kinds.CONCERNS["mcp-tool-text"],
        "medium",
        "The texts of a tool hold what people do not see, or orders to the model.",
        "Review the tool's description before a model reads it.",
    ),
    KindHelp(
        kinds.TOOL_CHANGED,
        "medium",
        "The definition of a tool is not the one that an earlier BOM saw.",
        "Review the definition, then keep the new BOM as the one to compare with.",
    ),
    KindHelp(
        kinds.NOT_LOADED,
        "info",
        "It is declared, and was not seen to be loaded while the workload was watched.",
        "Take it out of the image if nobody needs it; a longer watch tells more.",
    ),
    KindHelp(
        kinds.UNVERIFIABLE,
        "info",
        "Something could not be seen, so that it can neither be confirmed nor missed.",
        "Mend what the finding names and observe again.",
    ),
    KindHelp(
        kinds.FORBIDDEN,
        "high",
        "The policy forbids it.",
        "Take it out of the workload, or change the policy with a reason and an owner.",
    ),
    KindHelp(
        kinds.NOT_ALLOWED,
        "medium",
        "The policy lists what is allowed, and it is not among that.",
        "Take it out of the workload, or allow it with a reason and an owner.",
    ),
    KindHelp(
        kinds.EXCEPTION_EXPIRED,
        "medium",
        "An exception of the policy has expired: what it covered counts again.",
        "Mend what it covered, or decide anew and give it another date.",
    ),
    KindHelp(
        kinds.EXCEPTION_UNUSED,
        "info",
        "An exception of the policy covers nothing any more.",
        "Take it out of the policy.",
    ),
)
