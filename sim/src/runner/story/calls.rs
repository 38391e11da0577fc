//! What a story's clients and operators ask for, and what must come of it.
//!
//! Holds: what is left unwaited lets no time pass, and can be asked after by its name; a leader that cannot take a request yet is
//! asked again until it can, so that a step right after an election means the same on every system.
//! Not here: what the world's own clients do (`world::clients`).

use super::{Asked, PATIENCE, Stop, Story, process};
use crate::history::{CallId, Outcome};
use crate::machine::{Answer, Request};
use crate::protocol::{Inspect, NodeId, Operation, Protocol, Refusal, RequestId};
use crate::scenario::{Answered, ClientCall, ClientOutcome, OperationOutcome, Target, Value};
use crate::world::{OperationState, World};

/// How long a client waits before it asks a leader again that is not ready, in virtual nanoseconds: a network's round trip.
const PAUSE: u64 = 10_000_000;

impl<P: Protocol> Story<'_, P> {
    // Clients.

    /// The number of a client that the story names.
    fn client(&mut self, name: &str) -> u32 {
        if let Some((_, client)) = self.clients.iter().find(|(known, _)| known == name) {
            return *client;
        }
        let client = self.world.patient_client();
        self.clients.push((name.to_owned(), client));
        client
    }

    pub(super) fn open_session(&mut self, name: &str, via: Target) -> Result<(), Stop> {
        let via = self.target(via)?;
        let client = self.client(name);
        self.world.open_session(client, via);
        let session = |world: &World<P>| world.session(client);
        self.wait(PATIENCE, |world| session(world).is_some());
        match session(self.world) {
            Some(_) => Ok(()),
            None => self.fail(format!("client {name:?} was to have a session, and has none")),
        }
    }

    pub(super) fn call(
        &mut self,
        call: &ClientCall,
        (client, name): (Option<&str>, Option<&str>),
        via: Target,
        (expected, wait): (Option<ClientOutcome>, bool),
    ) -> Result<(), Stop> {
        let via = self.target(via)?;
        let (request, value) = self.request(call);
        let until = self.world.now().after(PATIENCE);
        let mut id = self.issue(client, request, via)?;
        while wait && expected != Some(ClientOutcome::Refused) {
            self.wait_for(id);
            let ready = !matches!(self.world.refusal(id), Some(refusal) if self.is_not_ready(refusal, via));
            if ready || until <= self.world.now() || self.world.is_over() {
                break;
            }
            self.pause();
            id = self.issue(client, request, via)?;
        }
        if let Some(name) = name {
            self.asked.push((name.to_owned(), Asked::Call(id)));
        }
        if wait { self.await_call(id, value, expected) } else { Ok(()) }
    }

    fn issue(&mut self, client: Option<&str>, request: Request, via: NodeId) -> Result<CallId, Stop> {
        let Some(name) = client else { return Ok(self.world.call(request, via)) };
        let client = self.client(name);
        if self.world.has_open_call(client) {
            return Err(self.impossible(format!("client {name:?} has a call without an answer")));
        }
        Ok(self.world.call_of(client, request, via))
    }

    /// Whether a node that leads refused only because it cannot take requests yet: it knows of nobody else who could, or has
    /// to commit an entry of its own first.
    fn is_not_ready(&self, refusal: &Refusal, node: NodeId) -> bool {
        let soon = [Refusal::NotLeader { hint: None }, Refusal::rule("uncommitted-leader-log")];
        soon.contains(refusal) && process(self.world, node).is_some_and(Inspect::leads)
    }

    /// A little time passes; when timers are scripted, what is under way arrives, and the leader speaks.
    fn pause(&mut self) {
        if self.scripted() {
            self.settle();
        }
        let until = self.world.now().after(PAUSE);
        self.world.run_until(until);
    }

    pub(super) fn retry(
        &mut self,
        name: &str,
        via: Target,
        (expected, wait): (Option<ClientOutcome>, bool),
    ) -> Result<(), Stop> {
        let via = self.target(via)?;
        let client = self.client(name);
        let Some(id) = self.world.retry(client, via) else {
            return Err(self.impossible(format!("client {name:?} has no call without an answer")));
        };
        if wait { self.await_call(id, None, expected) } else { Ok(()) }
    }

    fn wait_for(&mut self, id: CallId) {
        self.wait(PATIENCE, |world| outcome(world, id) != Outcome::Unknown);
    }

    /// Waits for the answer to a call, and compares it with what is expected.
    fn await_call(
        &mut self,
        id: CallId,
        value: Option<Option<u64>>,
        expected: Option<ClientOutcome>,
    ) -> Result<(), Stop> {
        self.wait_for(id);
        let outcome = outcome(self.world, id);
        let came = match outcome {
            Outcome::Unknown => ClientOutcome::Unknown,
            Outcome::Refused => ClientOutcome::Refused,
            Outcome::Answered(_, Answer::Mismatch(_)) => ClientOutcome::Mismatch,
            Outcome::Answered(..) => ClientOutcome::Ok,
        };
        if let Some(expected) = expected.filter(|expected| *expected != came) {
            let why =
                self.world.refusal(id).map_or_else(String::new, |refusal| format!(": {}", self.why(refusal)));
            let (expected, came) = (expected.name(), came.name());
            return self.fail(format!("the call was to be {expected}, and was {came}{why}"));
        }
        match (value, outcome) {
            (Some(value), Outcome::Answered(_, Answer::Value(read))) if read != value => {
                let show = |value: Option<u64>| value.map_or("nothing".to_owned(), |value| value.to_string());
                self.fail(format!("the read was to give {}, and gave {}", show(value), show(read)))
            }
            _ => Ok(()),
        }
    }

    /// What a call asks, and what it must read.
    fn request(&mut self, call: &ClientCall) -> (Request, Option<Option<u64>>) {
        match call {
            ClientCall::Write { key, value } => {
                (Request::Put { key: self.world.key(key), value: *value }, None)
            }
            ClientCall::Read { key, value } => (Request::Get { key: self.world.key(key) }, value.map(number)),
            ClientCall::Cas { key, from, to } => {
                (Request::Cas { key: self.world.key(key), expected: number(*from), value: *to }, None)
            }
        }
    }

    // Operators.

    pub(super) fn operate(
        &mut self,
        operation: Operation,
        name: Option<&str>,
        via: Target,
        expected: &OperationOutcome,
    ) -> Result<(), Stop> {
        let via = self.target(via)?;
        self.must_run(via)?;
        let mut request = self.world.operate(via, operation.clone());
        let unsupported = OperationState::Refused(Refusal::Unsupported);
        let foreseen = matches!(expected, OperationOutcome::Refused(_));
        if !foreseen && self.world.operation(request) == unsupported {
            return Err(self.unable(format!("{} does not have this operation", P::NAME)));
        }
        if *expected == OperationOutcome::Done {
            request = self.ask_until_ready(via, &operation, request);
        }
        if let Some(name) = name {
            self.asked.push((name.to_owned(), Asked::Operation(request)));
        }
        self.await_operation(request, expected)
    }

    /// Asks again and again while the node is not ready, for as long as one waits for an answer. Returns the last request.
    fn ask_until_ready(&mut self, via: NodeId, operation: &Operation, first: RequestId) -> RequestId {
        let until = self.world.now().after(PATIENCE);
        let mut request = first;
        loop {
            self.wait_for_operation(request);
            let came = self.world.operation(request);
            let ready = !matches!(&came, OperationState::Refused(refusal) if self.is_not_ready(refusal, via));
            if ready || until <= self.world.now() || self.world.is_over() {
                return request;
            }
            self.pause();
            request = self.world.operate(via, operation.clone());
        }
    }

    fn wait_for_operation(&mut self, request: RequestId) {
        self.wait(PATIENCE, |world| world.operation(request) != OperationState::Pending);
    }

    fn await_operation(&mut self, request: RequestId, expected: &OperationOutcome) -> Result<(), Stop> {
        if *expected == OperationOutcome::Pending {
            return Ok(());
        }
        self.wait_for_operation(request);
        let came = self.world.operation(request);
        let as_expected = match (expected, &came) {
            (OperationOutcome::Done, OperationState::Done) => true,
            (OperationOutcome::Refused(name), OperationState::Refused(refusal)) => {
                name == refusal_name(refusal)
            }
            (OperationOutcome::Done | OperationOutcome::Refused(_) | OperationOutcome::Pending, _) => false,
        };
        if as_expected {
            return Ok(());
        }
        let expected = match expected {
            OperationOutcome::Done => "done",
            OperationOutcome::Pending => "pending",
            OperationOutcome::Refused(name) => name,
        };
        let came = match &came {
            OperationState::Pending => String::from("has no outcome yet"),
            OperationState::Done => String::from("was done"),
            OperationState::Refused(refusal) => format!("was refused: {}", self.why(refusal)),
        };
        self.fail(format!("the operation was to be {expected}, and {came}"))
    }

    // Asking later.

    /// Waits for what was asked for by name, and compares it with what is expected.
    pub(super) fn answer(&mut self, name: &str, expected: Option<&Answered>) -> Result<(), Stop> {
        let asked = self.asked.iter().rfind(|(known, _)| known == name).map(|(_, asked)| *asked);
        match (asked, expected) {
            (Some(Asked::Call(id)), Some(Answered::Client(expected))) => {
                self.await_call(id, None, Some(*expected))
            }
            (Some(Asked::Call(id)), None) => self.await_call(id, None, None),
            (Some(Asked::Operation(request)), Some(Answered::Operation(expected))) => {
                self.await_operation(request, expected)
            }
            (Some(Asked::Operation(request)), None) => {
                self.wait_for_operation(request);
                Ok(())
            }
            (Some(Asked::Call(_)), Some(Answered::Operation(_)))
            | (Some(Asked::Operation(_)), Some(Answered::Client(_)))
            | (None, _) => {
                Err(self.impossible(format!("nothing that can be answered so is called {name:?}")))
            }
        }
    }

    /// Why a request was refused, for people.
    fn why(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::NotLeader { hint: Some(hint) } => format!("not-leader, which is {}", self.name(*hint)),
            Refusal::NotLeader { hint: None } => String::from("not-leader, no hint"),
            Refusal::LeadershipLost | Refusal::Busy | Refusal::Unsupported | Refusal::Rule(_) => {
                refusal_name(refusal).to_owned()
            }
        }
    }
}

fn outcome<P: Protocol>(world: &World<P>, id: CallId) -> Outcome {
    world.history().calls()[id.0 as usize].outcome
}

pub(super) fn number(value: Value) -> Option<u64> {
    match value {
        Value::Absent => None,
        Value::Of(value) => Some(value),
    }
}

/// The word for a refusal that scenarios use.
#[must_use]
pub fn refusal_name(refusal: &Refusal) -> &str {
    match refusal {
        Refusal::NotLeader { .. } => "not-leader",
        Refusal::LeadershipLost => "leadership-lost",
        Refusal::Busy => "busy",
        Refusal::Unsupported => "unsupported",
        Refusal::Rule(name) => name,
    }
}
