"""Names of CycloneDX XML that mean something else than a member (bom-1.7.xsd)."""

# what holds items, and what these are called (the sequences of bom-1.7.xsd that have no maximum);
# an element is a list when nothing else stands in it
_ITEMS = """
advisories:advisory affects:target algorithms:algorithm aliases:alias altIds:altId
ancestors:component annotations:annotation assemblies:assembly assessors:assessor
assessments:assessment attestations:attestation authors:author
certificateExtensions:certificateExtension cipherSuites:cipherSuite citations:citation
claims:claim collection:graphic commands:command commits:commit components:component
compositions:composition conditions:condition copyright:text counterClaims:counterClaim
cryptoFunctions:cryptoFunction custodians:custodian cwes:cwe datasets:dataset
dependencies:dependency descendants:component descriptions:description destination:url
endpoints:endpoint energyConsumptions:energyConsumption
ethicalConsiderations:ethicalConsideration expressions:expression externalReferences:reference
fairnessAssessments:fairnessAssessment formulation:formula frames:frame hashes:hash
identifiers:identifier individuals:individual inputs:input levels:level
licenseTypes:licenseType lifecycles:lifecycle members:ref methods:method
mitigationStrategies:mitigationStrategy notes:note occurrences:occurrence
organizations:organization outputs:output owners:owner parameters:parameter patches:patch
patentAssertions:patentAssertion patentRefs:bom-ref performanceMetrics:performanceMetric
performanceTradeoffs:performanceTradeoff pointers:pointer properties:property ratings:rating
references:reference references:url
relatedCryptographicAssets:relatedCryptographicAsset requirements:requirement resolves:issue
resourceReferences:resourceReference responses:response runtimeTopology:dependency
services:service signatories:signatory source:url standards:standard steps:step
stewards:steward subjects:subject tags:tag taskDependencies:dependency taskTypes:taskType
tasks:task technicalLimitations:technicalLimitation tools:tool useCases:useCase users:user
variants:component versions:version vulnerabilities:vulnerability workflows:workflow
workspaces:workspace
"""
_PAIRS = [pair.split(":") for pair in _ITEMS.split()]
#: Lists, by their name, with the names that their items have.
LISTS = {name: {item for of, item in _PAIRS if of == name} for name, _ in _PAIRS}
# lists whose items are references: <subject ref="a"/> is "a"; and all those of a composition
REFS = frozenset({"assemblies", "subjects"})
# what may stand several times without anything that holds it, an array in JSON, by its parent
_OF_ORGANIZATION = frozenset({"contact", "url"})
REPEATED = {
    "algorithmProperties": frozenset({"certificationLevel"}),
    "component": frozenset({"data", "omniborId", "swhid"}),
    "evidence": frozenset({"identity"}),
    "expression-detailed": frozenset({"details"}),
    "manufacture": _OF_ORGANIZATION,
    "manufacturer": _OF_ORGANIZATION,
    "organization": _OF_ORGANIZATION,
    "provider": _OF_ORGANIZATION,
    "protocolProperties": frozenset({"cryptoRef"}),
    "requirement": frozenset({"openCre"}),
    "supplier": _OF_ORGANIZATION,
}
# what JSON calls an element's text where it is not "content", and attributes of other spelling
TEXT = {"property": "value", "environmentVar": "value"}
NAMES = {"content-type": "contentType", "license-identifier": "licenseIdentifier"}
#: What XML writes for a true boolean.
TRUE = frozenset({"true", "1"})
#: Elements that are booleans.
BOOLEANS = frozenset({"authenticated", "x-trust-boundary"})
#: Members that JSON calls otherwise, by their parent.
MEMBERS = {
    ("analysis", "responses"): "response",
    ("expression-detailed", "details"): "expressionDetails",
    ("protocolProperties", "cryptoRef"): "cryptoRefArray",
}
