"""The sample's own sources, copied as they are: see rig.compare.sample."""
