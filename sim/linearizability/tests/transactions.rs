//! Transactions: small random histories against trying every order, and the examples of Elle's paper.
//!
//! `PROPTEST_CASES=100000 cargo test --test transactions` is the long run.
#![cfg(feature = "edn")]

use std::collections::BTreeMap;

use splitbrain_linearizability::generate::Chance;
use splitbrain_linearizability::read::read;
use splitbrain_linearizability::txn::{
    Anomaly, Ending, Level, Name, Objects, Transaction, check_transactions, transactions,
};
use splitbrain_linearizability::{Change, UNKNOWN, Value, Values};

const LEVELS: [Level; 3] = [Level::SnapshotIsolation, Level::Serializable, Level::StrictSerializable];

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000)
}

/// What each key holds.
type Store = BTreeMap<Value, Vec<Value>>;

/// Does one transaction on a store; `None` when it cannot have read there what it read.
fn perform(one: &Transaction, store: &Store, values: &mut Values) -> Option<Store> {
    let mut store = store.clone();
    for change in &one.changes {
        match change {
            Change::Read(key, seen) => {
                let held = store.get(key).cloned().unwrap_or_default();
                let shown = shown(&held, values);
                if one.ending == Ending::Committed && *seen != shown {
                    return None;
                }
            }
            Change::Append(key, value) => store.entry(*key).or_default().push(*value),
            Change::Write(key, value) => drop(store.insert(*key, vec![*value, *value])),
        }
    }
    Some(store)
}

/// A register is held twice, so that it is told from a list.
fn shown(held: &[Value], values: &mut Values) -> Value {
    match held {
        [one, other] if one == other => *one,
        [] => Value::NIL,
        list => values.list(list),
    }
}

fn written(one: &Transaction) -> Vec<Value> {
    let key = |change: &Change| match change {
        Change::Write(key, _) | Change::Append(key, _) => Some(*key),
        Change::Read(..) => None,
    };
    one.changes.iter().filter_map(key).collect()
}

/// Tries every order: one after the other, as time allows when that counts.
fn is_serial(
    all: &[Transaction],
    left: &mut Vec<usize>,
    store: &Store,
    strict: bool,
    values: &mut Values,
) -> bool {
    if left.iter().all(|place| all[*place].ending != Ending::Committed) {
        return true;
    }
    for number in 0..left.len() {
        let place = left[number];
        let waits =
            |other: &usize| all[*other].ending == Ending::Committed && all[*other].ret < all[place].call;
        if all[place].ending == Ending::Aborted || strict && left.iter().any(waits) {
            continue;
        }
        let Some(next) = perform(&all[place], store, values) else { continue };
        left.remove(number);
        let fits = is_serial(all, left, &next, strict, values);
        left.insert(number, place);
        if fits {
            return true;
        }
    }
    false
}

/// A transaction under way: its snapshot, and whether somebody committed a write to what it writes since.
#[derive(Clone)]
struct Running {
    place: usize,
    conflicts: bool,
}

/// Tries every order of beginnings and commits.
fn is_snapshot(
    all: &[Transaction],
    left: &[usize],
    running: &[Running],
    store: &Store,
    values: &mut Values,
) -> bool {
    let needed = |place: &usize| all[*place].ending == Ending::Committed;
    if !left.iter().any(needed) && !running.iter().any(|one| needed(&one.place)) {
        return true;
    }
    for number in 0..running.len() {
        let one = &running[number];
        if one.conflicts {
            continue;
        }
        let mut next = store.clone();
        for change in &all[one.place].changes {
            match change {
                Change::Append(key, value) => next.entry(*key).or_default().push(*value),
                Change::Write(key, value) => drop(next.insert(*key, vec![*value, *value])),
                Change::Read(..) => {}
            }
        }
        let mut others = running.to_vec();
        others.remove(number);
        let wrote = written(&all[one.place]);
        for other in &mut others {
            other.conflicts |= written(&all[other.place]).iter().any(|key| wrote.contains(key));
        }
        if is_snapshot(all, left, &others, &next, values) {
            return true;
        }
    }
    for number in 0..left.len() {
        let place = left[number];
        if all[place].ending == Ending::Aborted || perform(&all[place], store, values).is_none() {
            continue;
        }
        let mut rest = left.to_vec();
        rest.remove(number);
        let mut running = running.to_vec();
        running.push(Running { place, conflicts: false });
        if is_snapshot(all, &rest, &running, store, values) {
            return true;
        }
    }
    false
}

fn holds(all: &[Transaction], level: Level, values: &mut Values) -> bool {
    let mut left: Vec<usize> = (0..all.len()).collect();
    match level {
        Level::SnapshotIsolation => is_snapshot(all, &left, &[], &Store::new(), values),
        Level::Serializable => is_serial(all, &mut left, &Store::new(), false, values),
        Level::StrictSerializable => is_serial(all, &mut left, &Store::new(), true, values),
    }
}

/// What a database did that sometimes reads old snapshots, loses writes or shows what was aborted.
fn random(objects: Objects, chance: &mut Chance, values: &mut Values) -> Vec<Transaction> {
    let mut stores = vec![Store::new()];
    let mut all = Vec::new();
    let mut fresh = 0;
    let (stale, lost) = (2 + chance.below(6), 4 + chance.below(8));
    for place in 0..2 + chance.below(4) {
        let call = u64::from(3 * place + chance.below(8));
        let back = if chance.below(stale) == 0 { chance.below(stores.len() as u32) as usize } else { 0 };
        let mut mine = stores[stores.len() - 1 - back].clone();
        let mut newest = stores[stores.len() - 1].clone();
        let mut changes = Vec::new();
        for _ in 0..1 + chance.below(3) {
            let key = values.number(i64::from(chance.below(2)));
            if chance.below(2) == 0 {
                let mut held = mine.get(&key).cloned().unwrap_or_default();
                if objects == Objects::Lists && chance.below(25) == 0 && held.len() > 1 {
                    held.swap(0, 1);
                }
                changes.push(Change::Read(key, shown(&held, values)));
            } else {
                fresh += 1;
                let value = values.number(100 + fresh);
                for store in [&mut mine, &mut newest] {
                    match objects {
                        Objects::Lists => store.entry(key).or_default().push(value),
                        Objects::Registers => drop(store.insert(key, vec![value, value])),
                    }
                }
                changes.push(match objects {
                    Objects::Lists => Change::Append(key, value),
                    Objects::Registers => Change::Write(key, value),
                });
                if chance.below(20) == 0 {
                    stores.push(newest.clone());
                }
            }
        }
        let ending =
            [Ending::Committed, Ending::Committed, Ending::Committed, Ending::Unknown, Ending::Aborted];
        let ending = ending[chance.below(5) as usize];
        let applied = match ending {
            Ending::Committed => chance.below(lost) != 0,
            Ending::Unknown => chance.below(2) == 0,
            Ending::Aborted => chance.below(10) == 0,
        };
        if applied {
            stores.push(newest);
        }
        let ret = if ending == Ending::Committed { call + u64::from(chance.below(6)) } else { UNKNOWN };
        all.push(Transaction { process: place, call, ret, changes, ending });
    }
    all.sort_by_key(|one| one.call);
    all
}

/// A line for each transaction.
fn show(all: &[Transaction], values: &Values) -> String {
    let line = |(place, one): (usize, &Transaction)| {
        let changes: Vec<String> = one.changes.iter().map(|change| change.show(values)).collect();
        format!("T{place} {}..{} {:?} {}\n", one.call, one.ret, one.ending, changes.join(" "))
    };
    all.iter().enumerate().map(line).collect()
}

fn found(all: &[Transaction], objects: Objects, level: Level, values: &Values) -> Vec<Anomaly> {
    check_transactions(all, objects, level, values).expect("every value is written once")
}

/// What a name says of weaker levels holds too.
fn names_are_true(all: &[Transaction], anomalies: &[Anomaly], values: &mut Values) {
    for anomaly in anomalies {
        assert!(!holds(all, anomaly.name.contradicts(), values), "{anomaly:?}\n{}", show(all, values));
    }
}

#[test]
fn lists_are_judged_as_by_trying_every_order() {
    let mut chance = Chance(5);
    let mut names: BTreeMap<Name, u32> = BTreeMap::new();
    let mut verdicts = [[0u32; 2]; 3];
    for _ in 0..cases() {
        let mut values = Values::new();
        let all = random(Objects::Lists, &mut chance, &mut values);
        for level in LEVELS {
            let anomalies = found(&all, Objects::Lists, level, &values);
            let truth = holds(&all, level, &mut values);
            assert!(anomalies.is_empty() == truth, "{level}: {anomalies:?}\n{}", show(&all, &values));
            names_are_true(&all, &anomalies, &mut values);
            verdicts[level as usize][usize::from(truth)] += 1;
            anomalies.iter().for_each(|anomaly| *names.entry(anomaly.name).or_default() += 1);
        }
    }
    assert!(verdicts.iter().flatten().all(|count| *count > cases() / 20), "one-sided: {verdicts:?}");
    println!("{verdicts:?} {names:?}");
    for name in [
        Name::Internal,
        Name::IncompatibleOrder,
        Name::G1a,
        Name::G1b,
        Name::G0,
        Name::G1c,
        Name::LostUpdate,
        Name::GSingle,
        Name::G2,
        Name::G0Realtime,
        Name::G1cRealtime,
        Name::GSingleRealtime,
    ] {
        assert!(names.contains_key(&name), "{name} never occurred: {names:?}");
    }
}

#[test]
fn registers_are_judged_as_by_trying_every_order() {
    let mut chance = Chance(6);
    let mut broken = 0u32;
    let mut seen = 0u32;
    for _ in 0..cases() {
        let mut values = Values::new();
        let all = random(Objects::Registers, &mut chance, &mut values);
        for level in LEVELS {
            let anomalies = found(&all, Objects::Registers, level, &values);
            let truth = holds(&all, level, &mut values);
            assert!(anomalies.is_empty() || !truth, "{level}: {anomalies:?}\n{}", show(&all, &values));
            names_are_true(&all, &anomalies, &mut values);
            broken += u32::from(!truth);
            seen += u32::from(!anomalies.is_empty());
        }
    }
    println!("{seen} of {broken} seen");
    // No proof in general; where there are so few, the orders that are tried together are all.
    assert_eq!(seen, broken);
}

fn judged(text: &str, objects: Objects, level: Level) -> Vec<Anomaly> {
    let recorded = read("h", text, None).unwrap_or_else(|wrong| panic!("{wrong}"));
    let all = transactions(&recorded, objects).expect("transactions");
    found(&all, objects, level, &recorded.values)
}

fn history(short: &str) -> String {
    let mut text = String::new();
    for line in short.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let [process, kind, value] = words[..] else { panic!("{line}") };
        text += &format!("{{:process {process}, :type :{kind}, :f :txn, :value {value}}}\n");
    }
    text
}

/// Section 7.1 of the paper: TiDB retried a transaction over what another had written.
#[test]
fn read_skew_in_tidb() {
    let text = history(
        "9 invoke [[:append 34 2] [:append 34 1]]
         9 ok [[:append 34 2] [:append 34 1]]
         0 invoke [[:r 34 nil] [:append 36 5] [:append 34 4]]
         1 invoke [[:append 34 5]]
         0 ok [[:r 34 [2 1]] [:append 36 5] [:append 34 4]]
         1 ok [[:append 34 5]]
         2 invoke [[:r 34 nil]]
         2 ok [[:r 34 [2 1 5 4]]]",
    );
    let anomalies = judged(&text, Objects::Lists, Level::SnapshotIsolation);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(anomalies[0].name, Name::GSingle);
    assert_eq!(
        anomalies[0].why,
        ["T1 read 34 when 5, which T2 wrote, was not there", "T2 wrote 5 to 34, and T1 wrote 4 behind it"]
    );
}

/// Figure 2 of the paper: the last transaction missed an append that another saw, and appended behind that one.
#[test]
fn a_cycle_through_three_transactions() {
    let text = history(
        "0 invoke [[:append 253 1] [:append 253 3] [:append 255 2] [:append 255 5] [:append 256 1]]
         0 ok [[:append 253 1] [:append 253 3] [:append 255 2] [:append 255 5] [:append 256 1]]
         1 invoke [[:append 255 8] [:r 253 nil]]
         1 ok [[:append 255 8] [:r 253 [1 3]]]
         2 invoke [[:append 256 4] [:r 255 nil] [:r 256 nil]]
         2 ok [[:append 256 4] [:r 255 [2 5 8]] [:r 256 [1 4]]]
         3 invoke [[:append 250 10] [:r 255 nil] [:append 256 3]]
         3 ok [[:append 250 10] [:r 255 [2 5]] [:append 256 3]]",
    );
    let anomalies = judged(&text, Objects::Lists, Level::Serializable);
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(anomalies[0].name, Name::GSingle);
    assert_eq!(
        anomalies[0].why,
        [
            "T3 read 255 when 8, which T1 wrote, was not there",
            "T2 read 8 in 255, which T1 wrote",
            "T2 wrote 4 to 256, and T3 wrote 3 behind it",
        ]
    );
}

/// Write skew is all that snapshot isolation allows.
#[test]
fn write_skew() {
    let text = history(
        "0 invoke [[:r :x nil] [:append :y 1]]
         1 invoke [[:r :y nil] [:append :x 2]]
         0 ok [[:r :x []] [:append :y 1]]
         1 ok [[:r :y []] [:append :x 2]]
         2 invoke [[:r :x nil] [:r :y nil]]
         2 ok [[:r :x [2]] [:r :y [1]]]",
    );
    assert!(judged(&text, Objects::Lists, Level::SnapshotIsolation).is_empty());
    let anomalies = judged(&text, Objects::Lists, Level::Serializable);
    assert_eq!(anomalies.iter().map(|one| one.name).collect::<Vec<Name>>(), [Name::G2]);
    assert_eq!(anomalies[0].transactions, [0, 1]);
}

/// A read that had to see what was acknowledged before it began.
#[test]
fn a_stale_read_breaks_only_the_strict_promise() {
    let text = history(
        "0 invoke [[:w :x 1]]
         0 ok [[:w :x 1]]
         1 invoke [[:r :x nil]]
         1 ok [[:r :x nil]]
         2 invoke [[:r :x nil]]
         2 ok [[:r :x 1]]",
    );
    assert!(judged(&text, Objects::Registers, Level::Serializable).is_empty());
    let anomalies = judged(&text, Objects::Registers, Level::StrictSerializable);
    assert_eq!(anomalies.iter().map(|one| one.name).collect::<Vec<Name>>(), [Name::GSingleRealtime]);
}

#[test]
fn aborted_reads_and_lost_updates_have_their_names() {
    let aborted = history(
        "0 invoke [[:append :x 1]]
         0 fail [[:append :x 1]]
         1 invoke [[:r :x nil]]
         1 ok [[:r :x [1]]]",
    );
    assert_eq!(judged(&aborted, Objects::Lists, Level::SnapshotIsolation)[0].name, Name::G1a);
    let lost = history(
        "0 invoke [[:r :x nil] [:w :x 1]]
         1 invoke [[:r :x nil] [:w :x 2]]
         0 ok [[:r :x nil] [:w :x 1]]
         1 ok [[:r :x nil] [:w :x 2]]",
    );
    assert_eq!(judged(&lost, Objects::Registers, Level::SnapshotIsolation)[0].name, Name::LostUpdate);
}

#[test]
fn a_value_that_two_write_cannot_be_judged() {
    let text = history("0 invoke [[:append :x 1]]\n1 invoke [[:append :x 1]]");
    let recorded = read("h", &text, None).expect("well formed");
    let all = transactions(&recorded, Objects::Lists).expect("transactions");
    let wrong =
        check_transactions(&all, Objects::Lists, Level::Serializable, &recorded.values).expect_err("twice");
    assert!(wrong.message.starts_with("1 is appended to :x twice"), "{}", wrong.message);
}
