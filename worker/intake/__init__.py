"""The public web: forms, unsubscribe, health. Parse, call one use case, answer; no cookie, no third party."""
