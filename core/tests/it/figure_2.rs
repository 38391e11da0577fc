//! Figure 2 of the paper, sentence by sentence: one test for each, in the figure's order, named for what it says.
//!
//! Where this Raft differs from the letter of the figure, the test says how: a leader's first message is not empty
//! but carries its blank entry (section 8), heartbeats are messages of their own, and a repair skips whole terms.

use std::sync::Arc;

use splitbrain_core::{
    Address, Body, Config, Durable, Effect, Entry, Input, LogId, LogIndex, LogSlice, Membership, Message,
    Payload, Raft, RequestId, RoleName, Term, Timer,
};

use crate::cluster::{Cluster, at_home, n, plain, set};

/// Node 1 of three, by itself: what it is told, and what it asks for.
struct Alone {
    raft: Raft,
    disk: Durable,
    said: Vec<Body>,
    asked: Vec<Effect>,
}

impl Alone {
    /// A node whose log has entries of these terms.
    fn with_log(term: u64, terms: &[u64]) -> Alone {
        let members = Membership::new(vec![set(&[1, 2, 3])], at_home(&[1, 2, 3])).unwrap();
        let mut disk = Durable::initialised(members);
        disk.hard_state.term = Term(term);
        entries(0, terms).into_iter().for_each(|entry| disk.log.push(entry));
        let (raft, _) = Raft::boot(plain(n(1)), &disk);
        Alone { raft, disk, said: Vec::new(), asked: Vec::new() }
    }

    /// The candidate of term 2.
    fn candidate() -> Alone {
        let mut node = Alone::with_log(1, &[]);
        node.fire(Timer::Election);
        node
    }

    /// The leader of term 2, with a log of these terms and its own blank entry.
    fn leader(terms: &[u64]) -> Alone {
        let mut node = Alone::with_log(1, terms);
        node.fire(Timer::Election);
        node.hear(2, 2, Body::VoteResponse { granted: true });
        assert!(node.raft.leads());
        node
    }

    /// One input; its writes are durable at once.
    fn happen(&mut self, input: Input) {
        self.said.clear();
        self.asked.clear();
        let mut next = Some(input);
        while let Some(input) = next.take() {
            let (raft, effects) = self.raft.clone().step(input);
            self.raft = raft;
            for effect in effects.list {
                if let Effect::Persist { id, write } = &effect {
                    self.disk.apply(write);
                    next = Some(Input::Persisted { through: *id });
                }
                if let Effect::Send { message, .. } = &effect {
                    self.said.push(message.body.clone());
                }
                self.asked.push(effect);
            }
        }
    }

    fn fire(&mut self, timer: Timer) {
        self.happen(Input::TimerFired(timer));
    }

    fn hear(&mut self, from: u32, term: u64, body: Body) {
        let message = Message { term: Term(term), body };
        self.happen(Input::Received { from: n(from), source: Address(from), to: n(1), message });
    }

    fn propose(&mut self) {
        self.happen(Input::Proposed { request: RequestId(1), command: Arc::from(*b"x=1") });
    }

    fn terms(&self) -> Vec<u64> {
        self.raft.log().iter().map(|entry| entry.id.term.0).collect()
    }

    /// What is sent to one peer.
    fn sent_to(&self, peer: u32) -> Vec<&Body> {
        let to_peer = |effect: &'_ Effect| matches!(effect, Effect::Send { to, .. } if *to == n(peer));
        self.asked
            .iter()
            .filter(|effect| to_peer(effect))
            .filter_map(
                |effect| if let Effect::Send { message, .. } = effect { Some(&message.body) } else { None },
            )
            .collect()
    }

    fn sets(&self, wanted: Timer) -> bool {
        self.asked.iter().any(|effect| matches!(effect, Effect::SetTimer { timer, .. } if *timer == wanted))
    }

    fn peer(&self, id: u32) -> (u64, u64) {
        let peer = self.raft.peers().and_then(|peers| peers.get(n(id))).expect("a leader's peer");
        (peer.matched.0, peer.next.0)
    }
}

fn entries(after: u64, terms: &[u64]) -> Vec<Entry> {
    let place = |(at, term): (usize, &u64)| LogId::new(*term, after + 1 + at as u64);
    terms.iter().enumerate().map(place).map(|id| Entry { id, payload: Payload::Blank }).collect()
}

fn append(prev: (u64, u64), terms: &[u64], commit: u64) -> Body {
    let (term, index) = prev;
    let slice = LogSlice::new(LogId::new(term, index), entries(index, terms)).unwrap();
    Body::AppendRequest { slice, commit: LogIndex(commit) }
}

fn vote_for(last: (u64, u64)) -> Body {
    Body::VoteRequest { last: LogId::new(last.0, last.1), forced: false }
}

fn accepts(node: &Alone, through: u64) -> bool {
    node.said == [Body::AppendAccepted { through: LogIndex(through) }]
}

fn rejects(node: &Alone) -> bool {
    matches!(node.said[..], [Body::AppendRejected { .. }])
}

fn votes(node: &Alone, granted: bool) -> bool {
    node.said == [Body::VoteResponse { granted }]
}

mod persistent_state {
    use super::*;

    #[test]
    fn it_is_updated_on_stable_storage_before_a_request_is_answered() {
        let node = Alone::with_log(1, &[]);
        let request = Message { term: Term(2), body: vote_for((0, 0)) };
        let input = Input::Received { from: n(2), source: Address(2), to: n(1), message: request };
        let (raft, effects) = node.raft.step(input);
        let write = effects.list.iter().find_map(|effect| match effect {
            Effect::Persist { id, .. } => Some(*id),
            _ => None,
        });
        assert!(!effects.list.iter().any(|effect| matches!(effect, Effect::Send { .. })), "not yet");
        let (_, effects) = raft.step(Input::Persisted { through: write.expect("the vote is written") });
        assert!(effects.list.iter().any(|effect| matches!(effect, Effect::Send { .. })), "now");
    }

    #[test]
    fn current_term_is_0_at_first_boot() {
        let (raft, _) = Raft::boot(Config::new(n(1)), &Durable::default());
        assert_eq!(raft.term(), Term(0));
    }

    #[test]
    fn current_term_is_the_latest_seen_and_never_goes_down() {
        let mut node = Alone::with_log(1, &[]);
        for (heard, known) in [(3, 3), (2, 3), (5, 5), (1, 5)] {
            node.hear(2, heard, append((0, 0), &[], 0));
            assert_eq!((node.raft.term(), node.disk.hard_state.term), (Term(known), Term(known)));
        }
    }

    #[test]
    fn voted_for_is_the_candidate_of_the_current_term_or_nobody() {
        let mut node = Alone::with_log(1, &[]);
        node.hear(2, 2, vote_for((0, 0)));
        assert_eq!((node.raft.vote(), node.disk.hard_state.vote), (Some(n(2)), Some(n(2))));
        node.hear(3, 3, append((0, 0), &[], 0));
        assert_eq!((node.raft.vote(), node.disk.hard_state.vote), (None, None));
    }

    #[test]
    fn a_log_entry_holds_the_command_and_the_term_in_which_the_leader_received_it_from_index_1() {
        let mut node = Alone::leader(&[]);
        node.propose();
        let first = node.disk.log.get(LogIndex(1)).expect("the first index is 1");
        assert_eq!((first.id, &first.payload), (LogId::new(2, 1), &Payload::Blank));
        let second = node.disk.log.get(LogIndex(2)).expect("the command");
        assert_eq!((second.id, &second.payload), (LogId::new(2, 2), &Payload::Command(Arc::from(*b"x=1"))));
    }
}

mod volatile_state {
    use super::*;

    #[test]
    fn commit_index_and_last_applied_are_0_at_first() {
        let node = Alone::with_log(1, &[1, 1]);
        assert_eq!((node.raft.commit(), node.raft.applied()), (LogIndex(0), LogIndex(0)));
    }

    #[test]
    fn commit_index_and_last_applied_never_go_down() {
        let mut node = Alone::with_log(1, &[1, 1, 1]);
        for (told, known) in [(2, 2), (1, 2), (3, 3), (0, 3)] {
            node.hear(2, 1, append((1, 3), &[], told));
            assert_eq!((node.raft.commit(), node.raft.applied()), (LogIndex(known), LogIndex(known)));
        }
    }

    #[test]
    fn next_index_begins_after_the_leaders_last_entry_and_match_index_at_0() {
        let node = Alone::leader(&[1, 1]);
        assert_eq!((node.peer(2), node.peer(3)), ((0, 3), (0, 3)));
    }

    #[test]
    fn match_index_is_the_highest_entry_known_to_be_replicated_and_never_goes_down() {
        let mut node = Alone::leader(&[1, 1]);
        for (told, known) in [(2, 2), (1, 2), (3, 3), (2, 3)] {
            node.hear(2, 2, Body::AppendAccepted { through: LogIndex(told) });
            assert_eq!(node.peer(2).0, known);
        }
    }

    #[test]
    fn next_and_match_index_are_reinitialised_after_election() {
        let mut node = Alone::leader(&[1, 1]);
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        assert_eq!(node.peer(2).0, 3);
        node.hear(3, 3, Body::VoteResponse { granted: false });
        node.fire(Timer::Election);
        node.hear(2, 4, Body::VoteResponse { granted: true });
        assert_eq!(node.peer(2), (0, 4));
    }
}

mod append_entries {
    use super::*;

    #[test]
    fn it_names_the_leader_so_that_a_follower_can_redirect_clients() {
        let mut node = Alone::with_log(1, &[]);
        node.hear(3, 1, append((0, 0), &[], 0));
        node.propose();
        let refusal = splitbrain_core::Refusal::NotLeader { hint: Some(n(3)) };
        assert!(node.asked.contains(&Effect::Refuse { request: RequestId(1), refusal }));
    }

    #[test]
    fn it_tells_the_entry_before_the_new_ones_and_the_leaders_commit_index() {
        let mut node = Alone::leader(&[1]);
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(2) });
        node.propose();
        let [Body::AppendRequest { slice, commit }] = node.sent_to(2)[..] else { panic!("{:?}", node.said) };
        assert_eq!((slice.prev(), *commit), (LogId::new(2, 2), LogIndex(2)));
    }

    #[test]
    fn it_may_carry_more_than_one_entry_or_none() {
        let mut node = Alone::leader(&[1, 1, 1]);
        let (prev, hint) = (LogId::new(1, 3), LogId::default());
        node.hear(2, 2, Body::AppendRejected { prev, hint });
        assert!(matches!(node.sent_to(2)[..], [Body::AppendRequest { slice, .. }] if slice.len() == 4));
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(4) });
        assert!(matches!(node.sent_to(2)[..], [Body::AppendRequest { slice, .. }] if slice.is_empty()));
    }

    #[test]
    fn the_answer_has_the_current_term_for_the_leader_to_update_itself() {
        let mut follower = Alone::with_log(5, &[]);
        follower.hear(2, 2, append((0, 0), &[], 0));
        let answer = follower.asked.iter().find_map(|effect| match effect {
            Effect::Send { message, .. } => Some(message.clone()),
            _ => None,
        });
        assert_eq!(answer, Some(Message { term: Term(5), body: Body::TermOver }));
        let mut leader = Alone::leader(&[]);
        leader.hear(2, 5, Body::TermOver);
        assert_eq!((leader.raft.term(), leader.raft.role()), (Term(5), RoleName::Follower));
    }

    #[test]
    fn step_1_it_is_refused_if_its_term_is_over() {
        let mut node = Alone::with_log(2, &[1]);
        node.hear(2, 1, append((1, 1), &[1], 2));
        assert_eq!(node.said, [Body::TermOver]);
        assert_eq!((node.terms(), node.raft.commit()), (vec![1], LogIndex(0)));
    }

    #[test]
    fn step_2_it_is_refused_without_the_entry_before_the_new_ones() {
        let mut node = Alone::with_log(3, &[1, 1, 2]);
        for absent in [(3, 3), (1, 3), (2, 4), (3, 9)] {
            node.hear(2, 3, append(absent, &[3], 0));
            assert!(rejects(&node), "{absent:?}");
        }
        assert_eq!(node.terms(), [1, 1, 2]);
    }

    #[test]
    fn step_3_an_entry_of_another_term_goes_with_all_that_follow_it() {
        let mut node = Alone::with_log(3, &[1, 2, 2, 2]);
        node.hear(2, 3, append((1, 1), &[3], 0));
        assert!(accepts(&node, 2));
        assert_eq!(node.terms(), [1, 3]);
        assert_eq!(node.disk.last(), LogId::new(3, 2));
    }

    #[test]
    fn step_3_nothing_goes_that_does_not_conflict() {
        let mut node = Alone::with_log(3, &[1, 1, 2, 3]);
        node.hear(2, 3, append((1, 1), &[1], 0));
        assert!(accepts(&node, 2));
        assert_eq!(node.terms(), [1, 1, 2, 3], "a delayed append is no reason to forget");
    }

    #[test]
    fn step_4_entries_not_yet_in_the_log_are_appended() {
        let mut node = Alone::with_log(3, &[1, 1]);
        node.hear(2, 3, append((1, 1), &[1, 2, 3], 0));
        assert!(accepts(&node, 4));
        assert_eq!(node.terms(), [1, 1, 2, 3]);
    }

    #[test]
    fn step_5_commit_index_follows_the_leaders_up_to_the_last_new_entry() {
        let mut node = Alone::with_log(1, &[1, 1, 1]);
        node.hear(2, 1, append((1, 1), &[1], 9));
        assert_eq!(node.raft.commit(), LogIndex(2), "what follows may not be the leader's");
        node.hear(2, 1, append((1, 3), &[1], 3));
        assert_eq!(node.raft.commit(), LogIndex(3));
    }
}

mod request_vote {
    use super::*;

    #[test]
    fn candidates_send_it_with_their_term_and_their_last_entry() {
        let mut node = Alone::with_log(4, &[1, 3]);
        node.fire(Timer::Election);
        assert_eq!(node.sent_to(2), [&vote_for((3, 2))]);
        assert_eq!(node.sent_to(3), [&vote_for((3, 2))]);
        assert_eq!(node.raft.term(), Term(5));
    }

    #[test]
    fn the_answer_has_the_current_term_for_the_candidate_to_update_itself() {
        let mut node = Alone::candidate();
        node.hear(2, 7, Body::VoteResponse { granted: false });
        assert_eq!((node.raft.term(), node.raft.role()), (Term(7), RoleName::Follower));
    }

    #[test]
    fn step_1_it_is_refused_if_its_term_is_over() {
        let mut node = Alone::with_log(3, &[]);
        node.hear(2, 2, vote_for((2, 9)));
        assert!(votes(&node, false));
        assert_eq!(node.raft.vote(), None);
    }

    #[test]
    fn step_2_it_is_granted_if_the_vote_is_free_and_the_log_at_least_as_up_to_date() {
        for last in [(2, 2), (2, 3), (3, 1)] {
            let mut node = Alone::with_log(3, &[1, 2]);
            node.hear(2, 4, vote_for(last));
            assert!(votes(&node, true), "{last:?}");
        }
        for last in [(2, 1), (1, 9), (0, 0)] {
            let mut node = Alone::with_log(3, &[1, 2]);
            node.hear(2, 4, vote_for(last));
            assert!(votes(&node, false), "{last:?}");
        }
    }

    #[test]
    fn step_2_it_is_granted_again_to_who_has_the_vote_and_to_nobody_else() {
        let mut node = Alone::with_log(1, &[]);
        for (from, granted) in [(2, true), (3, false), (2, true)] {
            node.hear(from, 2, vote_for((0, 0)));
            assert!(votes(&node, granted), "{from}");
        }
    }
}

mod all_servers {
    use super::*;

    #[test]
    fn what_is_committed_is_applied_in_order() {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
        c.elect(1);
        for _ in 0..3 {
            c.write(1);
        }
        // The cluster asserts for each node that indexes rise, and that none is applied twice.
        for id in [1, 2, 3] {
            assert_eq!((c.raft(id).commit(), c.raft(id).applied()), (LogIndex(4), LogIndex(4)), "{id}");
        }
    }

    #[test]
    fn whoever_hears_a_higher_term_takes_it_and_follows() {
        let everyone: [fn() -> Alone; 3] =
            [|| Alone::with_log(1, &[]), Alone::candidate, || Alone::leader(&[])];
        for begin in everyone {
            let bodies = [
                append((0, 0), &[], 0),
                vote_for((0, 0)),
                Body::VoteResponse { granted: true },
                Body::AppendAccepted { through: LogIndex(1) },
            ];
            for body in bodies {
                let mut node = begin();
                node.hear(2, 8, body);
                assert_eq!((node.raft.term(), node.raft.role()), (Term(8), RoleName::Follower));
            }
        }
    }
}

mod followers {
    use super::*;

    #[test]
    fn they_answer_candidates_and_leaders() {
        let mut node = Alone::with_log(1, &[]);
        node.hear(2, 2, vote_for((0, 0)));
        assert_eq!(node.said.len(), 1);
        node.hear(2, 2, append((0, 0), &[2], 0));
        assert_eq!(node.said.len(), 1);
    }

    #[test]
    fn they_stand_when_the_election_timeout_passes() {
        let mut node = Alone::with_log(1, &[]);
        node.fire(Timer::Election);
        assert_eq!(node.raft.role(), RoleName::Candidate);
    }

    #[test]
    fn the_timeout_begins_anew_with_an_append_of_the_leader() {
        let mut node = Alone::with_log(1, &[]);
        node.hear(2, 1, append((0, 0), &[], 0));
        // First the shortest timeout, in which the node also votes for nobody else; then a random rest.
        assert!(node.sets(Timer::Stickiness) && node.asked.contains(&Effect::CancelTimer(Timer::Election)));
        node.fire(Timer::Stickiness);
        assert!(node.sets(Timer::Election));
    }

    #[test]
    fn the_timeout_begins_anew_when_a_vote_is_given_and_only_then() {
        let mut node = Alone::with_log(3, &[3]);
        node.hear(2, 4, vote_for((3, 1)));
        assert!(votes(&node, true) && node.sets(Timer::Election));
        node.hear(3, 5, vote_for((1, 1)));
        assert!(votes(&node, false) && !node.sets(Timer::Election));
    }
}

mod candidates {
    use super::*;

    #[test]
    fn on_standing_they_raise_the_term_vote_for_themselves_set_the_timer_and_ask_everyone() {
        let mut node = Alone::with_log(1, &[]);
        node.fire(Timer::Election);
        assert_eq!((node.raft.term(), node.raft.vote()), (Term(2), Some(n(1))));
        assert_eq!((node.disk.hard_state.term, node.disk.hard_state.vote), (Term(2), Some(n(1))));
        assert!(node.sets(Timer::Election));
        assert_eq!((node.sent_to(2).len(), node.sent_to(3).len()), (1, 1));
    }

    #[test]
    fn votes_of_a_majority_make_a_leader() {
        let mut c = Cluster::new(&[&[1, 2, 3, 4, 5]], &[], plain);
        c.part(&[1], &[3, 4, 5]);
        c.elect(1);
        assert_eq!(c.raft(1).role(), RoleName::Candidate, "two of five");
        let mut c = Cluster::new(&[&[1, 2, 3, 4, 5]], &[], plain);
        c.part(&[1], &[4, 5]);
        c.elect(1);
        assert_eq!(c.raft(1).role(), RoleName::Leader, "three of five");
    }

    #[test]
    fn an_append_of_the_new_leader_makes_a_follower() {
        let mut node = Alone::candidate();
        node.hear(2, 2, append((0, 0), &[2], 0));
        assert_eq!((node.raft.role(), node.raft.leader()), (RoleName::Follower, Some(n(2))));
        assert_eq!(node.raft.term(), Term(2), "the same term");
    }

    #[test]
    fn when_the_timeout_passes_they_stand_again() {
        let mut node = Alone::candidate();
        node.fire(Timer::Election);
        assert_eq!((node.raft.term(), node.raft.role()), (Term(3), RoleName::Candidate));
        assert_eq!((node.sent_to(2).len(), node.sent_to(3).len()), (1, 1));
    }
}

mod leaders {
    use super::*;

    #[test]
    fn upon_election_they_speak_to_everyone() {
        let node = Alone::leader(&[]);
        for peer in [2, 3] {
            let [Body::AppendRequest { slice, .. }] = node.sent_to(peer)[..] else { panic!("{peer}") };
            assert_eq!(slice.len(), 1, "not empty: its blank entry (section 8)");
        }
        assert!(node.sets(Timer::Heartbeat));
    }

    #[test]
    fn they_speak_again_and_again_while_idle() {
        let mut node = Alone::leader(&[]);
        for _ in 0..3 {
            node.fire(Timer::Heartbeat);
            assert!(matches!(node.sent_to(2)[..], [Body::Heartbeat { .. }]));
            assert!(matches!(node.sent_to(3)[..], [Body::Heartbeat { .. }]));
            assert!(node.sets(Timer::Heartbeat));
        }
    }

    #[test]
    fn a_command_is_appended_and_answered_once_it_is_applied() {
        let mut node = Alone::leader(&[]);
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(1) });
        node.propose();
        let is_applied = |effect: &Effect| matches!(effect, Effect::Apply { index: LogIndex(2), .. });
        assert_eq!(node.disk.last(), LogId::new(2, 2));
        assert!(!node.asked.iter().any(is_applied), "appended, not answered");
        node.hear(3, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert!(node.asked.iter().any(is_applied));
    }

    #[test]
    fn a_peer_that_lacks_entries_is_sent_them_from_its_next_index_on() {
        let mut node = Alone::leader(&[]);
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(1) });
        node.propose();
        let [Body::AppendRequest { slice, .. }] = node.sent_to(2)[..] else { panic!("{:?}", node.said) };
        assert_eq!((slice.prev(), slice.len()), (LogId::new(2, 1), 1));
    }

    #[test]
    fn success_raises_next_and_match_index() {
        let mut node = Alone::leader(&[1, 1]);
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        assert_eq!(node.peer(2), (3, 4));
    }

    #[test]
    fn failure_lowers_next_index_and_the_leader_tries_again() {
        let mut node = Alone::leader(&[1, 1]);
        let (prev, hint) = (LogId::new(1, 2), LogId::new(1, 1));
        node.hear(2, 2, Body::AppendRejected { prev, hint });
        assert_eq!(node.peer(2), (0, 2));
        let [Body::AppendRequest { slice, .. }] = node.sent_to(2)[..] else { panic!("{:?}", node.said) };
        assert_eq!(slice.prev(), hint);
    }

    #[test]
    fn commit_index_is_what_a_majority_holds_of_the_current_term() {
        let mut node = Alone::leader(&[1, 1]);
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(2) });
        assert_eq!(node.raft.commit(), LogIndex(0), "a majority holds (1,2), but it is of an earlier term");
        node.hear(2, 2, Body::AppendAccepted { through: LogIndex(3) });
        assert_eq!(node.raft.commit(), LogIndex(3), "and with (2,3) all before it");
    }
}
