"""The questions an audit trail has to answer, one SQL file each.

A file opens with `-- key: value` lines: `title`, `asks` (the question as people ask it), one
`param` line per parameter (`name Type: what it is`), and `group`. The rest is the query, which is
printed in the SQL cookbook as it is run.
"""

from auditspan.reports.questions.catalog import (
    Answer,
    Parameter,
    Question,
    ask,
    question,
    questions,
)

__all__ = ["Answer", "Parameter", "Question", "ask", "question", "questions"]
