# Rules, timeline, decisions, simulation.

