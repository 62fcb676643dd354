"""The frozen values that flow from one stage to the next: facts, components, claims, findings."""
