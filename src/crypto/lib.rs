//! Secrets and pure cryptographic functions.
