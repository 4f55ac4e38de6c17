"""How a language model writes the proposals of a run: what is chosen, told, asked, checked, reviewed, and paid.

What a prompt says and how an answer is read is `agentarch.meta`'s; how a model is reached, `agentarch.models`'.
"""
