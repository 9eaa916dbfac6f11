"""`hakit preview`: run Pulumi programs without an engine and show what they would create."""
