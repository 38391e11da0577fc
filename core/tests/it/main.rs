//! The core judged from outside, by what a caller sees.

mod cluster;
mod elections;
mod members;
mod random;
mod replication;
