"""What container runtimes say and write down."""
