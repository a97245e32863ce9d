//! EMV cards: cryptograms and scripts of a transaction ([`cryptogram`]), what
//! brands make of them ([`profile`]), certificates of offline data
//! authentication ([`oda`]).

pub mod cryptogram;
pub mod oda;
pub mod profile;
