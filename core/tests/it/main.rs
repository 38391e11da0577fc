//! The core judged from outside, by what a caller sees.

mod answers;
mod cluster;
mod crash_states;
mod elections;
mod figure_2;
mod follower_reads;
mod leases;
mod members;
mod nonsense;
mod quiescence;
mod random;
mod removal;
mod render;
mod replication;
mod transcripts;
mod truth_table;
