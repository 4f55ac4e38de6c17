"""Proposers for agent designs that need no model: pipelines as text, taken apart, put into one another, written again.

Every `async def name(question, model)` at the top level of a design is a socket, and every whole design is a plug that
fits it: both take a question and give an answer. So pipelines nest like functions (Josifoski et al., "Flows: Building
Blocks of Reasoning and Collaborating AI", 2023), and the operators here are moves in the space of such nestings.
"""
