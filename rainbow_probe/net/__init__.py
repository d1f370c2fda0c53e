"""Ways to reach an endpoint: two shapes of link, and layers that turn a link into a link."""
