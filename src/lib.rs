//! Tokens that are stored durably, authenticated, and deleted so that a deleted token is refused.
