"""The documents beside a model's weights: configurations, cards, indexes and chat templates.

All of them are claims of whoever wrote them. No function here raises on bad input.
"""
