"""A router: picks, for every question, the pipeline that is worth its tokens.

After the agentic supernet (Zhang et al., "Multi-agent Architecture Search via Agentic Supernet", 2025) and RouteLLM
(Ong et al. 2024). Fitted on questions of the search split, judged on questions of the confirm split that the fit has
not seen, written out as one design that needs nothing of the engine.
"""
