//! One binary for all whole-call tests: the real `hotline`, real sockets, real clients.
//!
//! Each test has a server, a folder and a loopback address of its own (`support::server`), so
//! that all of them run at once and none needs another.

#[cfg(test)]
mod after_complaint;
#[cfg(test)]
mod agents;
mod bad_input;
#[cfg(test)]
mod bad_network;
#[cfg(test)]
mod call_backs;
#[cfg(test)]
mod called;
#[cfg(test)]
mod campaigns;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod database_away;
#[cfg(test)]
mod desktop;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod kill_rounds;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod real_clients;
#[cfg(test)]
mod scanners;
#[cfg(test)]
mod sip_races;
#[cfg(test)]
mod sip_streams;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod support;
#[cfg(test)]
mod talks;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod wrong_codes;
