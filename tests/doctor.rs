//! The doctor: a fit machine, an unfit one and one to look at, each as a tree
//! of files; the program's answer at a shell; and a PRODUCTION station that
//! stays closed while a finding is red.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/absent.rs"]
mod absent;
#[path = "doctor/command.rs"]
mod command;
#[path = "support/filed_minutes.rs"]
mod filed_minutes;
#[path = "doctor/machine.rs"]
mod machine;
#[path = "support/machines.rs"]
mod machines;
#[path = "doctor/newcomers.rs"]
mod newcomers;
#[path = "doctor/outside.rs"]
mod outside;
#[path = "doctor/papers.rs"]
mod papers;
#[path = "support/people.rs"]
mod people;
#[path = "doctor/production.rs"]
mod production;
#[path = "support/stage.rs"]
mod stage;
