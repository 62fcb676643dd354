"""Every format that a comparison is written in."""

from collections.abc import Callable, Mapping

from aibom.report.annotated import annotated_report
from aibom.report.jsonreport import diff_report
from aibom.report.jsontext import serialise
from aibom.report.junit import junit_report
from aibom.report.markdown import markdown_report
from aibom.report.sarif import sarif_report
from aibom.types.diff import Diff

#: From a comparison to a document. Each may raise FormatError. A table is for people and depends
#: on their terminal: see diffview.
FORMATS: Mapping[str, Callable[[Diff], str]] = {
    "json": lambda diff: serialise(diff_report(diff)),
    "sarif": lambda diff: serialise(sarif_report(diff)),
    "markdown": markdown_report,
    "junit": junit_report,
    "cyclonedx": annotated_report,
}
