//! A message of raft-rs as the world wants it: one that can be hashed, and read by people.
//!
//! Not here: where it goes (`raft_rs`).

use std::fmt;
use std::hash::{Hash, Hasher};

use protobuf::{CodedOutputStream, Message as _};
use raft::eraftpb::{self, MessageType};

use super::numbers::{index_out, term_out};

/// What raft-rs nodes say to each other.
#[derive(Clone, PartialEq)]
pub struct Message(pub(super) eraftpb::Message);

impl Hash for Message {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The wire form has no maps, so that equal messages have equal bytes.
        let mut room = [0; FEW];
        let size = self.0.compute_size() as usize;
        if size > FEW {
            return self.0.write_to_bytes().unwrap_or_default().hash(state);
        }
        let mut stream = CodedOutputStream::bytes(&mut room[..size]);
        let written = self.0.write_to_with_cached_sizes(&mut stream);
        debug_assert!(written.is_ok(), "it is as long as it says");
        room[..size].hash(state);
    }
}

/// How many bytes of a message need no memory to be hashed.
const FEW: usize = 512;

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = &self.0;
        let kind = format!("{:?}", m.get_msg_type());
        write!(f, "{} in term {}", kind.trim_start_matches("Msg"), term_out(m.term))?;
        let point = (term_out(m.log_term), index_out(m.index));
        match m.get_msg_type() {
            MessageType::MsgAppend => {
                write!(f, " after {point:?}:")?;
                for entry in m.get_entries() {
                    write!(f, " {:?}", (term_out(entry.term), index_out(entry.index)))?;
                }
                write!(f, ", commit {}", index_out(m.commit))?;
            }
            MessageType::MsgRequestVote | MessageType::MsgRequestPreVote => write!(f, " with {point:?}")?,
            MessageType::MsgAppendResponse if m.reject => {
                write!(f, ": no, not {}; ends at {}", point.1, index_out(m.reject_hint))?;
            }
            MessageType::MsgAppendResponse => write!(f, " through {}", point.1)?,
            MessageType::MsgRequestVoteResponse | MessageType::MsgRequestPreVoteResponse => {
                f.write_str(if m.reject { ": no" } else { ": yes" })?;
            }
            MessageType::MsgSnapshot => {
                let meta = m.get_snapshot().get_metadata();
                write!(f, " of {:?}", (term_out(meta.term), index_out(meta.index)))?;
            }
            MessageType::MsgHeartbeat => write!(f, ", commit {}", index_out(m.commit))?,
            _ => {}
        }
        if !m.context.is_empty() {
            write!(f, " for {:02x?}", m.get_context())?;
        }
        Ok(())
    }
}
