"""The report by mail: what is written, to whom, by which server, and what waits until the server takes it."""
