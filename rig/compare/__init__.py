"""aibom beside other makers of AI-BOMs, on one small project that really runs: ``make compare``.

``sample`` writes the project and what is true of it, ``peers`` and ``watched`` run the tools,
``count`` counts what they say against the truth, ``table`` prints it. Everything lies in
``.cache/compare``.
"""
