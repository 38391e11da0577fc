//! Raft as values in, values out.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
