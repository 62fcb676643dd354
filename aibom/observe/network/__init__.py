"""Sockets and packets of other network namespaces."""
