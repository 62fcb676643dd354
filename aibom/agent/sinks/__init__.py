"""Where findings and BOMs go besides files: stdout, a webhook, Dependency-Track."""
