//! Every knob of a scenario, section by section.
//!
//! Holds: the swarm draws in this order, so moving a line is another world for every seed.
//! Not here: what a knob is (`knob`), and the kinds of nemeses and steps, which are choices of their own (`hardship`,
//! `step`).

use super::hardship::{Clock, Disk, Network, NodeFault, Shape, Untimed, Workload};
use super::knob::{Drawn, Knob, Slot, Unit, Value, Word};
use super::{
    Aim, Answers, Budget, CrashLeaves, Cue, Explore, Nemesis, Operator, Order, Ratio, ReadsAt, Spread,
    Timers, Writes,
};
use crate::protocol::Within;

const US: u64 = 1_000;
const MS: u64 = 1_000 * US;
const SECOND: u64 = 1_000 * MS;
const HOUR: u64 = 3_600 * SECOND;

/// A time that something takes; what takes longer than an hour is a slip of the pen.
const TAKES: Unit = Unit::Range { least: 0, most: HOUR };
/// A time between two things that come again and again: with none they would never let time pass.
pub(super) const EVERY: Unit = Unit::Range { least: 10 * US, most: 24 * HOUR };
/// How long a fault lasts.
pub(super) const LASTING: Unit = Unit::Range { least: 0, most: 24 * HOUR };
/// How long a follower waits for a leader.
pub(super) const ELECTION: Unit = Unit::Range { least: MS, most: HOUR };
/// How often a leader speaks.
pub(super) const HEARTBEAT: Unit = Unit::Time { least: 10 * US, most: HOUR };
/// How many times longer something takes.
const FACTOR: Unit = Unit::Count { what: "a factor such as 10", least: 1, most: 10_000 };
/// How likely a kind of event is.
const WEIGHT: Unit = Unit::Count { what: "a weight such as 10", least: 0, most: 1_000_000 };

const fn ms(min: u64, max: u64) -> Value {
    Value::Range(Within { min: min * MS, max: max * MS })
}

const fn us(min: u64, max: u64) -> Value {
    Value::Range(Within { min: min * US, max: max * US })
}

const fn percent(num: u32) -> Value {
    Value::Share(Ratio { num, den: 100 })
}

const NEVER: Value = Value::Share(Ratio::ZERO);

const fn count(count: u32) -> Value {
    Value::Count(count)
}

/// `[network]`: how messages travel.
pub(crate) const NETWORK: &[Knob<Network>] = &[
    Knob {
        name: "delay",
        unit: TAKES,
        about: "how long a message is under way",
        drawn: Drawn::From(&[ms(1, 10), us(50, 1_000), ms(1, 50), ms(5, 5), us(10, 10)]),
        slot: |network| Slot::Range(&mut network.delay),
    },
    Knob {
        name: "spread",
        unit: Unit::Word { what: "spread of delays" },
        about: "how delays spread over their range; `heavy-tailed`: one in four is doubled, and so on",
        drawn: Drawn::From(&[Value::Word("uniform"), Value::Word("heavy-tailed")]),
        slot: |network| Slot::Word(&mut network.spread),
    },
    Knob {
        name: "order",
        unit: Unit::Word { what: "order of messages" },
        about: "whether a message may overtake another one of the same link; `fifo`: it may not",
        drawn: Drawn::From(&[Value::Word("any"), Value::Word("fifo")]),
        slot: |network| Slot::Word(&mut network.order),
    },
    Knob {
        name: "loss",
        unit: Unit::Share,
        about: "how many messages are lost",
        drawn: Drawn::From(&[NEVER, NEVER, percent(1), percent(10), percent(30)]),
        slot: |network| Slot::Share(&mut network.loss),
    },
    Knob {
        name: "duplicate",
        unit: Unit::Share,
        about: "how many messages arrive twice",
        drawn: Drawn::From(&[NEVER, NEVER, percent(1), percent(10), percent(50)]),
        slot: |network| Slot::Share(&mut network.duplicate),
    },
    Knob {
        name: "reorder",
        unit: Unit::Share,
        about: "how many messages are held up until later ones have overtaken them",
        drawn: Drawn::From(&[NEVER, NEVER, percent(1), percent(10)]),
        slot: |network| Slot::Share(&mut network.reorder),
    },
    Knob {
        name: "corrupt",
        unit: Unit::Share,
        about: "how many messages arrive damaged, and are dropped for their checksum",
        drawn: Drawn::From(&[NEVER, NEVER, percent(1), percent(5)]),
        slot: |network| Slot::Share(&mut network.corrupt),
    },
];

/// `[disk]`: how disks behave.
pub(crate) const DISK: &[Knob<Disk>] = &[
    Knob {
        name: "write",
        unit: TAKES,
        about: "how long a write takes to become durable",
        drawn: Drawn::From(&[us(100, 3_000), us(1, 1), ms(1, 20), us(1, 40_000)]),
        slot: |disk| Slot::Range(&mut disk.write),
    },
    Knob {
        name: "crash",
        unit: Unit::Word { what: "remainder of a crash" },
        about: "what a crash leaves of unfinished writes; `torn`: a random number of their parts, the first ones in order",
        drawn: Drawn::From(&[Value::Word("torn"), Value::Word("lost"), Value::Word("kept")]),
        slot: |disk| Slot::Word(&mut disk.crash),
    },
];

/// `[clock]`: how the nodes' clocks differ from virtual time.
pub(crate) const CLOCK: &[Knob<Clock>] = &[
    Knob {
        name: "drift_ppm",
        unit: Unit::Ppm,
        about: "the most that a clock runs too fast or too slow, in parts per million",
        drawn: Drawn::From(&[count(0), count(0), count(100), count(50_000)]),
        slot: |clock| Slot::Count(&mut clock.drift_ppm),
    },
    Knob {
        name: "skew",
        unit: Unit::Time { least: 0, most: 24 * HOUR },
        about: "the most that a clock is ahead at the start",
        drawn: Drawn::From(&[Value::Time(0), Value::Time(SECOND)]),
        slot: |clock| Slot::Time(&mut clock.skew),
    },
];

/// `[schedule]` with `kind = "untimed"`: how likely each kind of event is.
pub(crate) const UNTIMED: &[Knob<Untimed>] = &[
    Knob {
        name: "deliver",
        unit: WEIGHT,
        about: "a message arrives",
        drawn: Drawn::From(&[count(100), count(30), count(300)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.deliver),
    },
    Knob {
        name: "late",
        unit: WEIGHT,
        about: "a message arrives that was held up or came over a slow link",
        drawn: Drawn::From(&[count(1), count(3), count(10)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.late),
    },
    Knob {
        name: "elect",
        unit: WEIGHT,
        about: "an election timer fires",
        drawn: Drawn::From(&[count(1), count(3), count(10), count(30)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.elect),
    },
    Knob {
        name: "fire",
        unit: WEIGHT,
        about: "another timer fires",
        drawn: Drawn::From(&[count(1), count(10), count(30), count(0)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.fire),
    },
    Knob {
        name: "write",
        unit: WEIGHT,
        about: "a write becomes durable",
        drawn: Drawn::From(&[count(30), count(10), count(100), count(3)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.write),
    },
    Knob {
        name: "client",
        unit: WEIGHT,
        about: "a client does something",
        drawn: Drawn::From(&[count(10), count(3), count(30), count(1)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.client),
    },
    Knob {
        name: "strike",
        unit: WEIGHT,
        about: "a nemesis strikes",
        drawn: Drawn::From(&[count(1), count(3), count(10)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.strike),
    },
    Knob {
        name: "relief",
        unit: WEIGHT,
        about: "a nemesis undoes what it did",
        drawn: Drawn::From(&[count(1), count(3), count(10)]),
        slot: |untimed| Slot::Count(&mut untimed.weights.relief),
    },
    Knob {
        name: "in_flight",
        unit: Unit::Count { what: "a number of messages such as 64", least: 1, most: 100_000 },
        about: "how many messages may be under way; one more pushes a random one out",
        drawn: Drawn::From(&[count(16), count(4), count(64), count(200)]),
        slot: |untimed| Slot::Count(&mut untimed.in_flight),
    },
];

/// `[workload]`: clients that call on their own while time passes.
pub(crate) const WORKLOAD: &[Knob<Workload>] = &[
    Knob {
        name: "reads",
        unit: Unit::Share,
        about: "how many calls are reads",
        drawn: Drawn::From(&[percent(50), percent(0), percent(20), percent(80)]),
        slot: |workload| Slot::Share(&mut workload.reads),
    },
    Knob {
        name: "clients",
        unit: Unit::Count { what: "a number of clients such as 4", least: 1, most: 1_000 },
        about: "how many clients; each has one call open at a time",
        drawn: Drawn::From(&[count(4), count(1), count(2), count(8)]),
        slot: |workload| Slot::Count(&mut workload.clients),
    },
    Knob {
        name: "keys",
        unit: Unit::Count { what: "a number of keys such as 3", least: 1, most: 100_000 },
        about: "how many keys they share",
        drawn: Drawn::From(&[count(1), count(3), count(10)]),
        slot: |workload| Slot::Count(&mut workload.keys),
    },
    Knob {
        name: "cas",
        unit: Unit::Share,
        about: "how many calls compare and swap; what is neither is a plain write",
        drawn: Drawn::From(&[percent(0), percent(10), percent(20)]),
        slot: |workload| Slot::Share(&mut workload.cas),
    },
    Knob {
        name: "timeout",
        unit: Unit::Time { least: 10 * US, most: HOUR },
        about: "how long a client waits for an answer; then the outcome is unknown",
        drawn: Drawn::From(&[Value::Time(SECOND), Value::Time(300 * MS), Value::Time(3 * SECOND)]),
        slot: |workload| Slot::Time(&mut workload.timeout),
    },
    Knob {
        name: "think",
        unit: TAKES,
        about: "how long a client waits after an answer before it calls again",
        drawn: Drawn::From(&[us(100, 5_000), us(10, 10), ms(10, 200)]),
        slot: |workload| Slot::Range(&mut workload.think),
    },
    Knob {
        name: "retries",
        unit: Unit::Count { what: "a number of retries such as 3", least: 0, most: 1_000 },
        about: "how often a refused call is tried again at another node",
        drawn: Drawn::From(&[count(3), count(0), count(10)]),
        slot: |workload| Slot::Count(&mut workload.retries),
    },
    Knob {
        name: "reads_at",
        unit: Unit::Word { what: "place to read at" },
        about: "whom clients ask when they read: whoever is taken for the leader, or any node",
        drawn: Drawn::Follows("either; always `any` where reads are what the world is about"),
        slot: |workload| Slot::Word(&mut workload.reads_at),
    },
];

/// `[explore]`: how far every order is explored.
pub(crate) const EXPLORE: &[Knob<Explore>] = &[
    Knob {
        name: "depth",
        unit: Unit::Count { what: "a number of moves such as 40", least: 1, most: 60_000 },
        about: "the most moves of a run",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.depth),
    },
    Knob {
        name: "terms",
        unit: Unit::Count { what: "a term such as 3", least: 1, most: 200 },
        about: "no node goes beyond this term",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.terms),
    },
    Knob {
        name: "timeouts",
        unit: Unit::Count { what: "a number of timeouts such as 3", least: 0, most: 200 },
        about: "the most times that a node stands for election",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.timeouts),
    },
    Knob {
        name: "silences",
        unit: Unit::Count { what: "a number of silences such as 1", least: 0, most: 200 },
        about: "the most times that a node notices that its leader is silent, and votes again before it stands itself",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.silences),
    },
    Knob {
        name: "heartbeats",
        unit: Unit::Count { what: "a number of heartbeats such as 2", least: 0, most: 200 },
        about: "the most heartbeat timers that fire",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.heartbeats),
    },
    Knob {
        name: "crashes",
        unit: Unit::Count { what: "a number of crashes such as 1", least: 0, most: 200 },
        about: "the most crashes, each with a restart",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.crashes),
    },
    Knob {
        name: "duplications",
        unit: Unit::Count { what: "a number of duplicates such as 1", least: 0, most: 200 },
        about: "the most messages that arrive a second time",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.duplications),
    },
    Knob {
        name: "proposals",
        unit: Unit::Count { what: "a number of commands such as 2", least: 0, most: 200 },
        about: "the most commands that clients ask for, each at whoever leads",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.proposals),
    },
    Knob {
        name: "changes",
        unit: Unit::Count { what: "a number of changes such as 2", least: 0, most: 200 },
        about: "the most changes and transfers that operators ask for, of those that the story has, each at whoever leads",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.changes),
    },
    Knob {
        name: "healing",
        unit: Unit::Count { what: "a number of moves such as 300", least: 0, most: 60_000 },
        about: "from every state, when what is under way is lost and nothing else goes wrong any more, the cluster agrees within \
                so many moves; 0: nobody asks",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Count(&mut explore.healing),
    },
    Knob {
        name: "writes",
        unit: Unit::Word { what: "time of writes" },
        about: "when a write is durable: `at-once`, in the step that issues it; `later`, as a move of its own, and a crash \
                keeps any number of its parts",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Word(&mut explore.writes),
    },
    Knob {
        name: "answers",
        unit: Unit::Word { what: "time of answers" },
        about: "when an answer arrives: `later`, or never; `at-once`, with the message that it answers, which leaves out \
                orders and goes deeper",
        drawn: NOT_DRAWN,
        slot: |explore| Slot::Word(&mut explore.answers),
    },
];

/// What a swarm does not draw.
const NOT_DRAWN: Drawn = Drawn::Follows("nothing: its worlds are run, not explored");

/// `[[nemesis]]`, beside its kind: what is read whatever the kind is.
pub(crate) const NEMESIS: &[Knob<Nemesis>] = &[Knob {
    name: "lasting",
    unit: LASTING,
    about: "how long a fault lasts",
    drawn: Drawn::Follows("two election timeouts, a half, an eighth or six, give or take a half"),
    slot: |nemesis| Slot::Range(&mut nemesis.lasting),
}];

/// The value that a fault has beside its name.
pub(crate) fn parameter(fault: NodeFault) -> Option<Knob<NodeFault>> {
    let knob = |name, unit, about, drawn, slot| Some(Knob { name, unit, about, drawn, slot });
    let longer = "how many times longer it takes";
    match fault {
        NodeFault::Slow { .. } => {
            let drawn = Drawn::From(&[Value::Count(3), Value::Count(10), Value::Count(50)]);
            knob("factor", FACTOR, longer, drawn, factor)
        }
        NodeFault::SlowDisk { .. } | NodeFault::SlowLinks { .. } => {
            let drawn = Drawn::From(&[Value::Count(3), Value::Count(10), Value::Count(100)]);
            knob("factor", FACTOR, longer, drawn, factor)
        }
        NodeFault::LossBurst { .. } => {
            const SHARES: &[Value] = &[percent(30), percent(80), percent(100)];
            let drawn = Drawn::From(SHARES);
            knob("share", Unit::Share, "how many messages are lost", drawn, |fault| match fault {
                NodeFault::LossBurst { share } => Slot::Share(share),
                other => no_slot(other),
            })
        }
        NodeFault::ClockDrift { .. } => {
            let drawn = Drawn::From(&[Value::Count(10_000), Value::Count(200_000), Value::Count(900_000)]);
            knob("ppm", Unit::Ppm, "the most that the clock runs too fast or too slow", drawn, |fault| {
                match fault {
                    NodeFault::ClockDrift { ppm } => Slot::Count(ppm),
                    other => no_slot(other),
                }
            })
        }
        NodeFault::ClockJump { .. } => {
            let drawn = Drawn::Follows("10 ms to 1 s");
            let unit = Unit::Range { least: 0, most: 24 * HOUR };
            knob("by", unit, "how far the clock jumps", drawn, |fault| match fault {
                NodeFault::ClockJump { by } => Slot::Range(by),
                other => no_slot(other),
            })
        }
        NodeFault::Crash
        | NodeFault::Reboot
        | NodeFault::Kill
        | NodeFault::Wipe
        | NodeFault::Pause
        | NodeFault::FailedWrite
        | NodeFault::FullDisk
        | NodeFault::Stall
        | NodeFault::BitRot
        | NodeFault::MisdirectedWrite
        | NodeFault::ClockFreeze => None,
    }
}

fn factor(fault: &mut NodeFault) -> Slot<'_> {
    match fault {
        NodeFault::Slow { factor } | NodeFault::SlowDisk { factor } | NodeFault::SlowLinks { factor } => {
            Slot::Count(factor)
        }
        other => no_slot(other),
    }
}

fn no_slot(fault: &NodeFault) -> ! {
    unreachable!("{} has another value, or none", fault.name())
}

impl Word for Spread {
    const WORDS: &'static [Self] = &Spread::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Order {
    const WORDS: &'static [Self] = &Order::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Answers {
    const WORDS: &'static [Self] = &Answers::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Writes {
    const WORDS: &'static [Self] = &Writes::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for CrashLeaves {
    const WORDS: &'static [Self] = &CrashLeaves::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for ReadsAt {
    const WORDS: &'static [Self] = &ReadsAt::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Budget {
    const WORDS: &'static [Self] = &Budget::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Timers {
    const WORDS: &'static [Self] = &Timers::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Shape {
    const WORDS: &'static [Self] = &Shape::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Aim {
    const WORDS: &'static [Self] = &Aim::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Cue {
    const WORDS: &'static [Self] = &Cue::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for NodeFault {
    const WORDS: &'static [Self] = &NodeFault::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Operator {
    const WORDS: &'static [Self] = &Operator::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}
