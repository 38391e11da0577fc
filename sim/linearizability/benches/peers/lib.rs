//! Nothing lives here: see `benches/peers.rs`.
