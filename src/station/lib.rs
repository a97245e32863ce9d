//! Composes the rooms, lists the actions once, drives ceremonies and jobs.

pub mod front;
pub mod host;
