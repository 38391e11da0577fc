//! What clients do when the world turns to them, and what answers do to clients.
//!
//! Holds: a client has one call open at a time; silence and lost leadership leave a call unknown, never failed.
//! Not here: what a client remembers (`client`).

use super::World;
use super::act::Act;
use super::agenda::{Agenda, Event};
use super::client::{Attempt, Client, OpenCall, draw_request};
use super::hands::client_of;
use crate::choices::Site;
use crate::history::{self, CallId, Judged, Outcome};
use crate::machine::{Answer, Applied, By, Command, Request, Task};
use crate::protocol::{Input, NodeId, Protocol, Refusal, RequestId, Within};
use crate::scenario::{Property, ReadsAt, Sessions};
use crate::trace::{Ending, Place, What};

/// How long a client waits after a refusal before it tries again: a network's round trip or two.
const PAUSE: Within = Within { min: 5_000_000, max: 20_000_000 };

impl<P: Protocol> World<P> {
    /// Sets workload and nemeses to work, or lets them rest: clients end their calls and begin none.
    pub fn set_busy(&mut self, busy: bool) {
        self.hands.busy = busy;
        if !busy {
            return;
        }
        let Some(workload) = self.scenario.workload else { return self.start_nemeses() };
        for client in 0..workload.clients {
            if self.hands.clients[client as usize].call.is_none()
                && self.hands.clients[client as usize].wake.is_none()
            {
                let think = self.choices.within(Site::Workload, workload.think);
                self.wake_client(client, think);
            }
        }
        self.start_nemeses();
    }

    /// One call of a client that makes no other: it asks one node once and waits for as long as it takes.
    pub fn call(&mut self, request: Request, via: NodeId) -> CallId {
        let client = self.hands.clients.len() as u32;
        self.hands.clients.push(Client::default());
        self.call_of(client, request, via)
    }

    /// A call of a client with this number, or its open call once more if it is asked `again`.
    pub(crate) fn call_as(&mut self, client: u32, request: Request, via: NodeId, again: bool) {
        let patient = Client { patient: true, ..Client::default() };
        let clients = self.hands.clients.len().max(client as usize + 1);
        self.hands.clients.resize(clients, patient);
        if again && self.has_open_call(client) {
            self.retry(client, via);
        } else {
            self.call_of(client, request, via);
        }
    }

    /// A client that a story names: it keeps a call open until it is answered, and asks again when it is told to.
    pub fn patient_client(&mut self) -> u32 {
        self.hands.clients.push(Client { patient: true, ..Client::default() });
        self.hands.clients.len() as u32 - 1
    }

    /// One call of a client that has none open.
    pub fn call_of(&mut self, client: u32, request: Request, via: NodeId) -> CallId {
        self.begin_event();
        self.hands.clients[client as usize].target = via.0;
        let id = self.open(client, request);
        self.attempt(client);
        id
    }

    /// A client asks for its open call again; `None` when it has none.
    pub fn retry(&mut self, client: u32, via: NodeId) -> Option<CallId> {
        let call = self.hands.clients[client as usize].call.as_mut()?;
        call.tainted = true;
        let id = call.id;
        self.begin_event();
        self.hands.clients[client as usize].target = via.0;
        self.attempt(client);
        Some(id)
    }

    /// A client asks for a session; does nothing where sessions do not expire.
    pub fn open_session(&mut self, client: u32, via: NodeId) {
        let Sessions::Expiring(lasting) = self.scenario.cluster.sessions else { return };
        self.begin_event();
        self.hands.clients[client as usize].target = via.0;
        self.ask_for_session(client, lasting);
    }

    /// The session of a client.
    #[must_use]
    pub fn session(&self, client: u32) -> Option<u64> {
        self.hands.clients.get(client as usize).and_then(|client| client.session)
    }

    /// Whether a client waits for an answer, or would if it had asked again.
    #[must_use]
    pub fn has_open_call(&self, client: u32) -> bool {
        self.hands.clients.get(client as usize).is_some_and(|client| client.call.is_some())
    }

    pub(crate) fn on_client(&mut self, index: u32) {
        let timed = matches!(self.agenda, Agenda::Timed { .. });
        let client = &mut self.hands.clients[index as usize];
        if timed && client.queued != Some(self.now) {
            return; // An entry that an earlier one replaced.
        }
        client.queued = None;
        match client.wake {
            None => return,
            Some(wake) if timed && wake > self.now => {
                client.queued = Some(wake);
                self.agenda.push(wake, Event::Client { client: index });
                return;
            }
            Some(_) => client.wake = None,
        }
        self.begin_event();
        let client = &mut self.hands.clients[index as usize];
        let (call, opening) = (client.call, client.opening.take());
        match call {
            None if self.hands.busy => self.begin_call(index),
            None => {}
            Some(OpenCall { attempt: Some(_), .. }) => self.give_up_attempt(index, true),
            Some(_) if opening.is_some() => {
                self.hands.clients[index as usize].target += 1;
                self.give_up_attempt(index, false);
            }
            Some(_) => self.attempt(index),
        }
    }

    fn begin_call(&mut self, index: u32) {
        let Some(workload) = self.scenario.workload else { return };
        let request =
            draw_request(&workload, &mut self.choices, &mut self.hands.last_value, &self.hands.recent);
        self.open(index, request);
        self.attempt(index);
    }

    fn open(&mut self, index: u32, request: Request) -> CallId {
        let cause = self.hands.clients[index as usize].returned.or(self.ledger.trace.cause());
        let record = self.record_led_to(cause, Place::Client(index), What::Calls { request });
        let id = self.ledger.history.call(index, request, self.seen());
        let client = &mut self.hands.clients[index as usize];
        client.serial += 1;
        client.call = Some(OpenCall { id, record, request, attempt: None, tries: 0, tainted: false });
        id
    }

    /// How a retry of this client is known; `None` when it has to open a session first.
    fn known_by(&self, index: u32, node: NodeId) -> Option<By> {
        let client = &self.hands.clients[index as usize];
        let works = self.scenario.workload.is_some_and(|workload| index < workload.clients);
        match (self.scenario.cluster.sessions, client.session) {
            (Sessions::Kept, _) => Some(By::Client),
            (Sessions::Nothing, _) => Some(By::Nothing),
            (Sessions::Expiring(_), Some(number)) => {
                let stamp = self.nodes[node.0 as usize].clock.shows(self.now);
                Some(By::Session { number, stamp })
            }
            (Sessions::Expiring(_), None) if works => None,
            (Sessions::Expiring(_), None) => Some(By::Nothing),
        }
    }

    fn ask_for_session(&mut self, index: u32, lasting: u64) {
        let request = self.hands.next_request(index);
        let nodes = self.nodes.len() as u32;
        let client = &mut self.hands.clients[index as usize];
        let (node, serial) = (NodeId(client.target % nodes), client.serial);
        let incarnation = self.nodes[node.0 as usize].incarnation;
        client.opening = Some(Attempt { request, node, incarnation });
        let cause = client.call.as_ref().map(|call| call.record).or(self.ledger.trace.cause());
        let began = self.record_led_to(cause, Place::Client(index), What::OpensSession);
        if let Some(workload) = self.scenario.workload {
            self.wake_client(index, workload.timeout);
        }
        if self.nodes[node.0 as usize].process.is_none() {
            return self.on_refused(index, request, Refusal::NotLeader { hint: None });
        }
        // What a session is worth to a story is its entry in the log: any write of a key that nobody reads has one.
        let key = self.scenario.workload.map_or(0, |workload| workload.keys);
        let request_like = Request::Put { key, value: u64::from(index) };
        let client = self.hands.clients.len() as u32 + index;
        self.write_down(Act::Call { client, node, request: request_like, again: false });
        let stamp = self.nodes[node.0 as usize].clock.shows(self.now);
        let command = Command { client: index, serial, task: Task::Open { stamp, lasting } }.encode();
        self.step(node, began, Input::Proposed { request, command });
    }

    fn attempt(&mut self, index: u32) {
        let call = self.hands.clients[index as usize].call;
        let writes = call.is_some_and(|call| !matches!(call.request, Request::Get { .. }));
        if let Sessions::Expiring(lasting) = self.scenario.cluster.sessions
            && writes
            && self.known_by(index, NodeId(0)).is_none()
        {
            return self.ask_for_session(index, lasting);
        }
        let request = self.hands.next_request(index);
        let nodes = self.nodes.len() as u32;
        let timeout = self.scenario.workload.map(|workload| workload.timeout);
        let client = &mut self.hands.clients[index as usize];
        let Some(call) = &mut client.call else { return };
        let reads_anywhere = self.scenario.workload.is_some_and(|workload| {
            workload.reads_at == ReadsAt::Any && index < workload.clients && call.tries == 0
        });
        let node = match call.request {
            Request::Get { .. } if reads_anywhere => {
                NodeId(self.choices.below(Site::Workload, u64::from(nodes)) as u32)
            }
            Request::Get { .. } | Request::Put { .. } | Request::Cas { .. } => NodeId(client.target % nodes),
        };
        let incarnation = self.nodes[node.0 as usize].incarnation;
        call.attempt = Some(Attempt { request, node, incarnation });
        let (serial, asked, again) = (client.serial, call.request, call.tainted || call.tries > 0);
        let cause = Some(call.record);
        let began = self.record_led_to(cause, Place::Client(index), What::Asks { node, request });
        if let Some(timeout) = timeout {
            self.wake_client(index, timeout);
        }
        if self.nodes[node.0 as usize].process.is_none() {
            return self.on_refused(index, request, Refusal::NotLeader { hint: None });
        }
        self.write_down(Act::Call { client: index, node, request: asked, again });
        let input = match asked {
            Request::Get { .. } => Input::ReadRequested { request },
            Request::Put { .. } | Request::Cas { .. } => {
                let by = self.known_by(index, node).unwrap_or(By::Nothing);
                let command = Command { client: index, serial, task: Task::Ask { by, request: asked } };
                Input::Proposed { request, command: command.encode() }
            }
        };
        self.step(node, began, input);
    }

    /// The machine's answer to a read, as it is now.
    pub(crate) fn serve(&mut self, node: NodeId, request: RequestId) {
        let index = client_of(request);
        let Some(Client { call: Some(call), serial, .. }) = self.hands.clients.get(index as usize) else {
            return;
        };
        let (asked, serial) = (call.request, *serial);
        if call.attempt.is_none_or(|attempt| attempt.request != request) {
            return;
        }
        if let Request::Get { key } = asked {
            let value = self.nodes[node.0 as usize].machine.get(key);
            self.answer(node, index, serial, Answer::Value(value));
        }
    }

    /// The machine of a node has done what a client asked of it; the client learns of it if it still waits there.
    pub(crate) fn on_applied(&mut self, node: NodeId, index: u32, serial: u64, applied: Applied) {
        match applied {
            Applied::Now(answer) => self.answer(node, index, serial, answer),
            Applied::Before(answer) => {
                if self.waits(node, index, serial).is_some() {
                    self.note("retry-answered-again");
                }
                self.answer(node, index, serial, answer);
            }
            Applied::GivenUp => {}
            Applied::Opened(session) => self.on_opened(node, index, serial, session),
            Applied::Expired => self.on_expired(node, index, serial),
        }
    }

    /// The call for whose answer a client waits at a node.
    fn waits(&self, node: NodeId, index: u32, serial: u64) -> Option<OpenCall> {
        let client = self.hands.clients.get(index as usize).filter(|client| client.serial == serial)?;
        client.call.filter(|call| call.attempt.is_some_and(|attempt| self.is_at(attempt, node)))
    }

    /// Whether a try was made at this process of a node.
    fn is_at(&self, attempt: Attempt, node: NodeId) -> bool {
        attempt.node == node && attempt.incarnation == self.nodes[node.0 as usize].incarnation
    }

    /// An answer reaches a client, if it still waits for it at this node.
    fn answer(&mut self, node: NodeId, index: u32, serial: u64, answer: Answer) {
        let Some(call) = self.waits(node, index, serial) else { return };
        self.remember(call.request, answer);
        self.close(index, call, Outcome::Answered(self.seen(), answer));
    }

    fn on_opened(&mut self, node: NodeId, index: u32, serial: u64, session: u64) {
        let Some(client) = self.hands.clients.get(index as usize).filter(|client| client.serial == serial)
        else {
            return;
        };
        if !client.opening.is_some_and(|attempt| self.is_at(attempt, node)) {
            return;
        }
        self.note("session-opened");
        self.record(Place::Client(index), What::HasSession { session });
        let client = &mut self.hands.clients[index as usize];
        client.opening = None;
        client.session = Some(session);
        client.wake = None;
        if client.call.is_some() {
            self.wake_client(index, 0);
        }
    }

    /// The session is gone. A first try was certainly not applied; of a retry nobody knows whether an earlier one was.
    fn on_expired(&mut self, node: NodeId, index: u32, serial: u64) {
        let Some(call) = self.waits(node, index, serial) else { return };
        self.note("session-expired");
        self.hands.clients[index as usize].session = None;
        let outcome = if call.tainted { Outcome::Unknown } else { Outcome::Refused };
        self.close(index, call, outcome);
    }

    fn remember(&mut self, request: Request, answer: Answer) {
        let (key, value) = match (request, answer) {
            (Request::Put { key, value }, _) | (Request::Cas { key, value, .. }, Answer::Swapped) => {
                (key, Some(value))
            }
            (Request::Get { key }, Answer::Value(value))
            | (Request::Cas { key, .. }, Answer::Mismatch(value)) => (key, value),
            (Request::Get { key } | Request::Cas { key, .. }, _) => (key, None),
        };
        if self.hands.recent.len() <= key as usize {
            self.hands.recent.resize(key as usize + 1, None);
        }
        self.hands.recent[key as usize] = value;
    }

    fn close(&mut self, index: u32, call: OpenCall, outcome: Outcome) {
        let ending = match outcome {
            Outcome::Unknown => Ending::Unknown,
            Outcome::Refused => Ending::Refused,
            Outcome::Answered(_, answer) => Ending::Answered(answer),
        };
        // What nobody answered ends by the client's own patience: the call led to that.
        let cause = self.ledger.trace.cause().or(Some(call.record));
        let what = What::Returns { call: call.record, ending };
        let record = self.record_led_to(cause, Place::Client(index), what);
        self.hands.clients[index as usize].returned = Some(record);
        if !self.ledger.history.outcome(call.id, outcome) {
            self.judge_history();
        }
        let client = &mut self.hands.clients[index as usize];
        client.call = None;
        client.wake = None;
        let Some(workload) =
            self.scenario.workload.filter(|workload| self.hands.busy && index < workload.clients)
        else {
            return;
        };
        let think = self.choices.within(Site::Workload, workload.think);
        self.wake_client(index, think);
    }

    /// Accuses the history, if the whole of it is not linearizable.
    pub fn judge_history(&mut self) {
        if self.violations().iter().any(|violation| violation.property == Property::Linearizability) {
            return;
        }
        let name = |key| self.names.key(key);
        match history::check(&self.ledger.history, name) {
            Ok(Judged::Linearizable) => {}
            Ok(Judged::Unknown) => self.note("linearizability-unknown"),
            Err(violation) => self.accuse(violation),
        }
    }

    pub(crate) fn on_refused(&mut self, index: u32, request: RequestId, refusal: Refusal) {
        let nodes = self.nodes.len() as u32;
        let Some(client) = self.hands.clients.get_mut(index as usize) else { return };
        let target = NodeId(client.target % nodes);
        if client.opening.is_some_and(|attempt| attempt.request == request) {
            client.opening = None;
            client.target = match refusal {
                Refusal::NotLeader { hint: Some(hint) } => hint.0,
                Refusal::NotLeader { hint: None } | Refusal::LeadershipLost => client.target + 1,
                Refusal::Busy | Refusal::Unsupported | Refusal::Rule(_) => client.target,
            };
            return self.give_up_attempt(index, false);
        }
        let Some(call) = &mut client.call else { return };
        if call.attempt.is_none_or(|attempt| attempt.request != request) {
            return;
        }
        if self.scenario.workload.is_none_or(|workload| index >= workload.clients) {
            self.hands.refusals.insert(call.id, refusal.clone());
        }
        match refusal {
            Refusal::NotLeader { hint: Some(hint) } => client.target = hint.0,
            Refusal::NotLeader { hint: None }
                if call.attempt.is_some_and(|attempt| attempt.node != target) => {}
            Refusal::NotLeader { hint: None } => client.target += 1,
            Refusal::Busy | Refusal::Unsupported | Refusal::Rule(_) => {}
            Refusal::LeadershipLost => return self.give_up_attempt(index, true),
        }
        self.give_up_attempt(index, false);
    }

    /// Ends a try that had no answer: the outcome is uncertain after silence, certain after a refusal.
    fn give_up_attempt(&mut self, index: u32, uncertain: bool) {
        let retries = match self.scenario.workload {
            Some(workload) if index < workload.clients => workload.retries,
            Some(_) | None => 0,
        };
        let nodes = self.nodes.len() as u32;
        let client = &mut self.hands.clients[index as usize];
        let Some(call) = &mut client.call else { return };
        let asked = call.attempt.take().map(|attempt| attempt.node);
        call.tainted |= uncertain;
        call.tries += 1;
        // Silence of a node that was asked for a read only says nothing about the leader.
        if uncertain && asked == Some(NodeId(client.target % nodes)) {
            client.target += 1;
        }
        if client.patient && call.tainted {
            return; // The story may let it ask again.
        }
        if call.tries <= retries {
            let pause = self.choices.within(Site::Workload, PAUSE);
            return self.wake_client(index, pause);
        }
        let (call, outcome) = (*call, if call.tainted { Outcome::Unknown } else { Outcome::Refused });
        self.close(index, call, outcome);
    }

    fn wake_client(&mut self, index: u32, after: u64) {
        let wake = self.now.after(after);
        let client = &mut self.hands.clients[index as usize];
        client.wake = Some(wake);
        let sooner = match self.agenda {
            Agenda::Timed { .. } => client.queued.is_none_or(|queued| wake < queued),
            Agenda::Untimed { .. } => client.queued.is_none(),
        };
        if sooner {
            client.queued = Some(wake);
            self.agenda.push(wake, Event::Client { client: index });
        }
    }
}
