"""Which entries of well-known catalogues a kind of finding is about, where it truly is."""

from collections.abc import Mapping

from aibom.types.findings import Reference
from aibom.types.inventory import ComponentKind

_LLM = "OWASP Top 10 for LLM Applications 2026"
_ASI = "OWASP Top 10 for Agentic Applications 2026"
_ATLAS = "MITRE ATLAS"
_RMF = "NIST AI RMF 1.0"
_ACT = "EU AI Act (Regulation (EU) 2024/1689)"

_ATLAS_URL = "https://atlas.mitre.org/techniques/"
_RMF_URL = "https://airc.nist.gov/airmf-resources/airmf/5-sec-core/"
_ACT_URL = "https://eur-lex.europa.eu/eli/reg/2024/1689/oj"

_LLM_URL = "https://github.com/GenAI-Security-Project/GenAI-LLM-Top10"
_INJECTION = Reference(_LLM, "LLM01:2026", "Prompt Injection", _LLM_URL)
_AGENCY = Reference(_LLM, "LLM03:2026", "Excessive Agency", _LLM_URL)
_SUPPLY = Reference(_LLM, "LLM04:2026", "Supply Chain", _LLM_URL)
_POISONING = Reference(_LLM, "LLM05:2026", "Data and Model Poisoning", _LLM_URL)

_ASI_URL = "https://genai.owasp.org/resource/owasp-top-10-for-agentic-applications-for-2026/"
_TOOLS = Reference(_ASI, "ASI02", "Tool Misuse and Exploitation", _ASI_URL)
_AGENTIC_SUPPLY = Reference(_ASI, "ASI04", "Agentic Supply Chain Vulnerabilities", _ASI_URL)
_CODE = Reference(_ASI, "ASI05", "Unexpected Code Execution (RCE)", _ASI_URL)
_ROGUE = Reference(_ASI, "ASI10", "Rogue Agents", _ASI_URL)

_TOOL = Reference(
    _ATLAS,
    "AML.T0010.005",
    "AI Supply Chain Compromise: AI Agent Tool",
    f"{_ATLAS_URL}AML.T0010.005",
)
_SOFTWARE = Reference(
    _ATLAS, "AML.T0010.001", "AI Supply Chain Compromise: AI Software", f"{_ATLAS_URL}AML.T0010.001"
)
_DATA = Reference(
    _ATLAS, "AML.T0010.002", "AI Supply Chain Compromise: Data", f"{_ATLAS_URL}AML.T0010.002"
)
_MODEL = Reference(
    _ATLAS, "AML.T0010.003", "AI Supply Chain Compromise: Model", f"{_ATLAS_URL}AML.T0010.003"
)
_ARTIFACT = Reference(
    _ATLAS, "AML.T0011.000", "User Execution: Unsafe AI Artifacts", f"{_ATLAS_URL}AML.T0011.000"
)
_MANIPULATED = Reference(_ATLAS, "AML.T0018", "Manipulate AI Model", f"{_ATLAS_URL}AML.T0018")
_PROMPT = Reference(_ATLAS, "AML.T0051", "LLM Prompt Injection", f"{_ATLAS_URL}AML.T0051")

_INVENTORY = Reference(_RMF, "GOVERN 1.6", "AI systems are inventoried", _RMF_URL)
_THIRD_PARTY = Reference(
    _RMF, "MANAGE 3.1", "AI risks from third-party resources are monitored", _RMF_URL
)
_PRETRAINED = Reference(_RMF, "MANAGE 3.2", "Pre-trained models are monitored", _RMF_URL)
_SECURITY = Reference(_RMF, "MEASURE 2.7", "Security and resilience are evaluated", _RMF_URL)

# what the provider of a high-risk system must document, and protect
_ANNEX_IV = Reference(
    _ACT,
    "Annex IV (2)(a)",
    "Technical documentation of pre-trained systems or tools of others (high-risk systems)",
    _ACT_URL,
)
_ARTICLE_15 = Reference(
    _ACT, "Article 15(5)", "Model and data poisoning (high-risk systems)", _ACT_URL
)

_UNDECLARED_MODEL = (_SUPPLY, _MODEL, _PRETRAINED, _ANNEX_IV)
_UNDECLARED_SOFTWARE = (_SUPPLY, _SOFTWARE, _THIRD_PARTY)
_CHANGED_MODEL = (_SUPPLY, _POISONING, _MODEL, _MANIPULATED, _PRETRAINED, _ARTICLE_15)
_CHANGED_SOFTWARE = (_SUPPLY, _SOFTWARE, _THIRD_PARTY)
_EXECUTES = (_SUPPLY, _ARTIFACT, _SECURITY)

#: By the word of the kind. What is missing is about no entry of these catalogues in particular.
REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    "undeclared-model": _UNDECLARED_MODEL,
    "undeclared-adapter": _UNDECLARED_MODEL,
    "undeclared-data": (_SUPPLY, _DATA, _THIRD_PARTY, _ANNEX_IV),
    "undeclared-framework": _UNDECLARED_SOFTWARE,
    "undeclared-package": (_SUPPLY, _THIRD_PARTY),
    "undeclared-mcp-server": (_AGENTIC_SUPPLY, _AGENCY, _TOOL, _THIRD_PARTY),
    "undeclared-agent": (_ROGUE, _INVENTORY),
    "undeclared-model-api": (_SUPPLY, _THIRD_PARTY),
    "undeclared-download-source": (_SUPPLY, _THIRD_PARTY),
    "not-in-sbom": (_SUPPLY, _INVENTORY),
    "different-version": (_SUPPLY, _THIRD_PARTY),
    "different-revision": _UNDECLARED_MODEL,
    "different-content": _CHANGED_MODEL,
    "different-base-model": (_SUPPLY, _MODEL, _PRETRAINED),
    "different-licence": (_THIRD_PARTY,),
    "outside-image": (_SUPPLY,),
    "modified-in-container": _CHANGED_MODEL,
    "base-mismatch": (_SUPPLY, _PRETRAINED),
    "served-model-mismatch": (_SUPPLY, _PRETRAINED),
    "hub-mismatch": _CHANGED_MODEL,
    "pickle-code": _EXECUTES,
    "layer-code": _EXECUTES,
    "custom-code": _EXECUTES,
    "outside-reference": _EXECUTES,
    "chat-template": (_SUPPLY, _INJECTION, _MANIPULATED),
    "mcp-not-configured": (_AGENTIC_SUPPLY, _AGENCY),
    "mcp-exposed": (_TOOLS, _AGENCY),
    "mcp-tool-text": (_AGENTIC_SUPPLY, _INJECTION, _PROMPT),
    "mcp-tool-changed": (_AGENTIC_SUPPLY, _TOOL),
}

# what changed is poisoned data in a model, and foreign code in software
_OF_SOFTWARE = frozenset({"modified-in-container", "different-content"})
_CONTENT: frozenset[ComponentKind] = frozenset({"model", "adapter", "data"})


def references_of(kind: str, component: ComponentKind) -> tuple[Reference, ...]:
    """Return the entries that a kind of finding is about where a component of a kind has it."""
    if kind in _OF_SOFTWARE and component not in _CONTENT:
        return _CHANGED_SOFTWARE
    return REFERENCES.get(kind, ())
