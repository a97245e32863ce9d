//! The trades: printing, media, ceremonies, targets.
