//! Composes the rooms, lists the actions once, drives ceremonies and jobs.

pub mod anchor;
pub mod approve;
pub mod cards;
pub mod enrol;
pub mod front;
pub mod host;
pub mod initialise;
pub mod logon;
pub mod present;
pub mod session;
pub mod station;
pub mod words;

pub use station::Station;
