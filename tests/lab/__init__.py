"""A small Internet in network namespaces: sites behind firewalls and proxies, and a Rainbow-like cloud.

``python -m tests.lab SITE -- COMMAND`` runs a command inside a simulated site; see ``sites/`` for the sites.
"""
