"""One file a format; all render the same ``model.Report``, and nothing is judged here."""
