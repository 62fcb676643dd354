"""Packages of the languages' own ecosystems: metadata, build information, purls."""
