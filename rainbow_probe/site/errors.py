"""What is raised for a setting that cannot be used."""

from __future__ import annotations


class SiteError(ValueError):
    """The user, or the environment, names something that cannot be; one line, which says what is allowed.

    The message never quotes a URL: whatever is wrong with it, a password may stand in any part of it.
    """
