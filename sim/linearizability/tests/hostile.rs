//! Files that somebody damaged: whatever is in them, the command ends with 0, 1, 2 or 3 and says something.
//!
//! `MUTATIONS=50000 cargo test --features cli --test hostile` is the long run.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;

use clap::Parser;
use splitbrain_linearizability::command::{CheckArgs, run};
use splitbrain_linearizability::generate::Chance;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: CheckArgs,
}

const SEEDS: [&str; 9] = [
    "{:process 0, :type :invoke, :f :cas, :value [1 2]}\n{:process 1, :type :invoke, :f :write, :value 1}\n\
     {:process 1, :type :ok, :f :write, :value 1}\n{:process 0, :type :info, :f :cas, :value [1 2]}\n\
     {:process 2, :type :invoke, :f :read, :value nil}\n{:process 2, :type :ok, :f :read, :value 2}\n",
    "0\t0\t:invoke\t:write\t5\n1\t1\t:invoke\t:read\tnil\n2\t0\t:ok\t:write\t5\n3\t1\t:ok\t:read\t5\n",
    "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\tnil\n\
     INFO  jepsen.util - 1\t:invoke\t:cas\t[2 4]\nINFO  jepsen.util - 1\t:fail\t:cas\t[2 4]\n",
    "{\"process\":0,\"type\":\"invoke\",\"f\":\"append\",\"key\":\"k\",\"value\":\"a\"}\n{\"process\":0,\"type\":\"ok\"}\n\
     {\"process\":1,\"type\":\"invoke\",\"f\":\"get\",\"key\":\"k\"}\n{\"process\":1,\"type\":\"ok\",\"value\":\"b\"}\n",
    "[{:process 0 :type :invoke :f :append :value 1} {:process 0 :type :ok :f :append :value 1}\n\
     {:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value #x [1 ##NaN #{2 \\a} 7N]}]",
    "{:process 0 :type :invoke :f :txn :value [[:r 1 nil] [:append 1 2]]}\n\
     {:process 0 :type :ok :f :txn :value [[:r 1 [3]] [:append 1 2]]}\n\
     {:process 1 :type :invoke :f :txn :value [[:append 1 3]]}\n{:process 1 :type :fail :f :txn :value [[:append 1 3]]}\n",
    "{:process 0 :type :invoke :f :acquire}\n{:process 0 :type :ok :f :acquire :value {:client \"a\" :fence 2}}\n\
     {:process 1 :type :invoke :f :acquire}\n{:process 1 :type :ok :f :acquire :value 1}\n",
    "{\"process\":0,\"type\":\"invoke\",\"f\":\"enqueue\",\"value\":1}\n{\"process\":0,\"type\":\"ok\"}\n\
     {\"process\":0,\"type\":\"invoke\",\"f\":\"drain\"}\n{\"process\":0,\"type\":\"ok\",\"f\":\"drain\",\"value\":[1,2]}\n",
    "{:process 0 :type :invoke :f :transfer :value {:from 0 :to 1 :amount 5}}\n\
     {:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value {0 5, 1 -5}}\n",
];

const PIECES: [&str; 20] = [
    "[",
    "]",
    "{",
    "}",
    "(",
    "#{",
    "#a ",
    "\"",
    "\\",
    ":",
    "nil",
    "\u{feff}",
    "\r",
    "##NaN",
    "99999999999999999999",
    "-1",
    ";",
    "\n",
    "\u{1f}\u{8b}",
    ":ok",
];

fn mutated(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = SEEDS[chance.below(SEEDS.len() as u32) as usize].as_bytes().to_vec();
    for _ in 0..1 + chance.below(4) {
        let at = chance.below(bytes.len() as u32 + 1) as usize;
        let until = (at + 1 + chance.below(20) as usize).min(bytes.len());
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.drain(at..until)),
            2 => {
                let copied = bytes[at..until].to_vec();
                bytes.splice(at..at, copied);
            }
            3 => bytes.truncate(at),
            4 => {
                let many = PIECES[chance.below(20) as usize].repeat(1 + chance.below(300) as usize);
                bytes.splice(at..at, many.into_bytes());
            }
            _ => {
                bytes.splice(at..at, PIECES[chance.below(20) as usize].bytes());
            }
        }
    }
    bytes
}

#[test]
fn damaged_files_end_with_an_exit_code_and_a_word() {
    let count = std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_500);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).expect("a folder for the test");
    let place = folder.join("damaged");
    let words = ["check".as_ref(), place.as_os_str(), "--budget".as_ref(), "1M,200MiB".as_ref()];
    let command = Command::try_parse_from(words).expect("right arguments");
    let mut stream = Command::try_parse_from(words).expect("right arguments");
    stream.args.stream = true;
    let mut chance = Chance(50);
    let mut codes = [0; 4];
    for _ in 0..count {
        fs::write(&place, mutated(&mut chance)).expect("written");
        for args in [&command.args, &stream.args] {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let code = run(args, &mut out, &mut err);
            codes[usize::from(code)] += 1;
            assert!(!out.is_empty() || !err.is_empty());
        }
    }
    assert!(codes.iter().all(|count| *count > 0), "one-sided: {codes:?}");
    println!("exit codes 0 to 3: {codes:?}");
}
