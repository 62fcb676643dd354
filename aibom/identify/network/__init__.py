"""Who talks to whom: pipes, sockets, destinations."""
