"""The local page: a run by clicks, for the field engineer who prefers a window; on loopback, for one person."""
