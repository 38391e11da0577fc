//! The core judged from outside, by what a caller sees.

mod cluster;
mod crash_states;
mod elections;
mod members;
mod random;
mod replication;
