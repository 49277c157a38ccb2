"""Releases out, submissions in, feedback out: the HTTP API that nbgrader's exchange classes are clients of."""
