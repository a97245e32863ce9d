//! Composes the rooms, lists the actions once, drives ceremonies and jobs.

pub mod administer;
pub mod adopt;
pub mod anchor;
pub mod approve;
mod backup;
pub mod cards;
mod ceremony;
pub mod certificates;
pub mod compose;
pub mod config;
pub mod data;
pub mod demo;
pub mod doctor;
pub mod enrol;
pub mod front;
pub mod host;
pub mod initialise;
mod journal_export;
mod key_detail;
mod key_search;
mod key_table;
mod lists;
pub mod logon;
pub mod lost_card;
pub mod pins;
pub mod present;
mod rehearse;
pub mod renew;
pub mod service;
pub mod session;
mod sign_record;
pub mod station;
pub mod training_room;
pub mod unlock;
pub mod words;

pub use station::Station;
