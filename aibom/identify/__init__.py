"""Facts and rules to components, services and links. Pure: nothing here reads or runs anything."""
