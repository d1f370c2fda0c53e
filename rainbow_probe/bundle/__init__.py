"""A report made fit to hand on: one file with all that support asks for, and without what is nobody else's business."""
