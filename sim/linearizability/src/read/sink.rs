//! Where the events of a history go: into a history, or to a judge who forgets them.

use std::collections::BTreeMap;

use crate::bank::{Audit, Bank};
use crate::history::{Malformed, Operation, Recorder};
use crate::online::{Online, Status};
use crate::standard::{Action, Input, Output, Standard};
use crate::value::Values;

#[derive(Debug)]
pub(super) enum Sink {
    Record(Recorder<Input, Output>),
    Follow(Box<Following>),
}

impl Default for Sink {
    fn default() -> Self {
        Sink::Record(Recorder::new())
    }
}

/// A judge in passing, and what is under way.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) judge: Judge,
    open: BTreeMap<u32, Input>,
    /// Operations that were called.
    pub(super) operations: u64,
}

#[derive(Debug)]
pub(super) enum Judge {
    Online(Box<Online<Standard>>),
    Bank(Bank, Audit),
}

impl Following {
    pub(super) fn new(judge: Judge) -> Following {
        Following { judge, open: BTreeMap::new(), operations: 0 }
    }

    /// Whether nothing that comes can change the verdict.
    pub(super) fn is_over(&self) -> bool {
        match &self.judge {
            Judge::Online(online) => online.status() == Status::Violated,
            Judge::Bank(..) => false,
        }
    }

    /// Hands an event to the checker, whose table of values is the reader's while it looks.
    fn tell<T>(
        &mut self,
        values: &mut Values,
        event: impl FnOnce(&mut Online<Standard>) -> Result<T, Malformed>,
    ) -> Result<(), Malformed> {
        let Judge::Online(online) = &mut self.judge else { return Ok(()) };
        std::mem::swap(values, &mut online.model_mut().values);
        let told = event(online);
        std::mem::swap(values, &mut online.model_mut().values);
        told.map(|_| ())
    }

    fn call(&mut self, process: u32, time: u64, input: Input, values: &mut Values) -> Result<(), Malformed> {
        if self.open.insert(process, input).is_some() {
            return Err(Malformed::StillOpen { process });
        }
        self.operations += 1;
        self.tell(values, |online| online.call(process, time, input))
    }

    fn returned(
        &mut self,
        process: u32,
        time: u64,
        output: Output,
        values: &mut Values,
    ) -> Result<(), Malformed> {
        let input = self.open.remove(&process).ok_or(Malformed::NotOpen { process })?;
        if let (Judge::Bank(bank, audit), Action::Read, Output::Read(seen)) =
            (&mut self.judge, input.action, output)
        {
            bank.judge(time as usize, seen, values, audit);
            // Every read is another map: none is needed again.
            *values = Values::new();
        }
        self.tell(values, |online| online.ret(process, time, output))
    }

    fn close(&mut self, process: u32) -> Result<(), Malformed> {
        self.open.remove(&process).map(|_| ()).ok_or(Malformed::NotOpen { process })
    }
}

impl Sink {
    pub(super) fn call(
        &mut self,
        process: u32,
        time: u64,
        input: Input,
        values: &mut Values,
    ) -> Result<(), Malformed> {
        match self {
            Sink::Record(recorder) => recorder.call(process, time, input),
            Sink::Follow(following) => following.call(process, time, input, values),
        }
    }

    pub(super) fn open(&self, process: u32) -> Option<&Input> {
        match self {
            Sink::Record(recorder) => recorder.open(process),
            Sink::Follow(following) => following.open.get(&process),
        }
    }

    pub(super) fn returned(
        &mut self,
        process: u32,
        time: u64,
        output: Output,
        values: &mut Values,
    ) -> Result<(), String> {
        let result = match self {
            Sink::Record(recorder) => recorder.returned(process, time, output),
            Sink::Follow(following) => following.returned(process, time, output, values),
        };
        result.map_err(|wrong| wrong.to_string())
    }

    pub(super) fn returned_many(
        &mut self,
        process: u32,
        time: u64,
        outputs: Vec<Output>,
    ) -> Result<(), String> {
        match self {
            Sink::Record(recorder) => {
                recorder.returned_many(process, time, outputs).map_err(|wrong| wrong.to_string())
            }
            Sink::Follow(_) => Err("a drain cannot be judged in passing; leave out --stream".to_owned()),
        }
    }

    /// Gives back what failed, when it is kept.
    pub(super) fn failed(
        &mut self,
        process: u32,
        values: &mut Values,
    ) -> Result<Option<Operation<Input, Output>>, String> {
        let result = match self {
            Sink::Record(recorder) => recorder.failed(process).map(Some),
            Sink::Follow(following) => following
                .close(process)
                .and_then(|()| following.tell(values, |online| online.failed(process)))
                .map(|()| None),
        };
        result.map_err(|wrong| wrong.to_string())
    }

    pub(super) fn unknown(&mut self, process: u32, values: &mut Values) -> Result<(), String> {
        let result = match self {
            Sink::Record(recorder) => recorder.unknown(process),
            Sink::Follow(following) => following
                .close(process)
                .and_then(|()| following.tell(values, |online| online.unknown(process))),
        };
        result.map_err(|wrong| wrong.to_string())
    }
}
