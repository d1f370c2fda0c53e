"""Which way each destination goes: PAC files found, fetched and asked, and proxies tried in order as clients do."""
