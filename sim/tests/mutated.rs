//! Inputs that went wrong in every way that chance thinks of: whatever a file holds, the program ends by itself with an exit
//! code from 0 to 3 and names the file when it is bad, within 5 s and 1 GiB.
//!
//! `MUTATIONS` says how many (a few if nothing is said); `MUTATIONS=50000 cargo test --release --test mutated -- --nocapture`
//! takes minutes, and runs every night.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How many there are for each change of the program.
const FEW: u64 = 150;

/// One reader: what it is called with, and good files of its kind.
struct Reader {
    name: &'static str,
    /// The arguments; `FILE` stands for the mutated file.
    arguments: &'static [&'static str],
    /// Where the mutated file is put, below the folder.
    place: &'static str,
    good: Vec<Vec<u8>>,
}

fn splitbrain(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("sh");
    // An address space of 1 GiB: whoever asks for more is refused, and aborts.
    let script = "ulimit -v 1048576; ulimit -c 0; exec timeout --signal=KILL 5 \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_splitbrain")]).args(arguments).current_dir(folder);
    command.env_remove("RUST_LOG").output().expect("a shell")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Numbers without a pattern (splitmix64): the same ones in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    fn range(&mut self, len: usize, most: usize) -> std::ops::Range<usize> {
        let from = self.below(len + 1);
        from..(from + self.below(most)).min(len)
    }
}

/// What readers stumble over.
const STUMBLING_BLOCKS: [&str; 20] = [
    "18446744073709551616",
    "99999999999999999999999999",
    "-1",
    "0",
    "1e999",
    "nan",
    "\"\"",
    "[[[[[[[[",
    "{{{{{{",
    "\0",
    "\u{202e}",
    "\u{1b}[2J",
    "\n\n\n",
    "'''",
    "999999999s",
    "100%",
    "../../../etc/passwd",
    " x1000000000",
    "true",
    "#",
];

/// A good file after one to four accidents.
fn mutate(good: &[u8], other: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=draws.below(4) {
        let len = bytes.len();
        match draws.below(9) {
            0 if len > 0 => bytes[draws.below(len)] ^= 1 << draws.below(8),
            1 => drop(bytes.drain(draws.range(len, 40))),
            2 => {
                let twice = bytes[draws.range(len, 60)].to_vec();
                let at = draws.below(len + 1);
                bytes.splice(at..at, twice);
            }
            3 => bytes.truncate(draws.below(len + 1)),
            4 => {
                let from = other[draws.range(other.len(), 200)].to_vec();
                let at = draws.below(len + 1);
                bytes.splice(at..at, from);
            }
            5 => {
                // A number becomes another one.
                let digits: Vec<usize> = (0..len).filter(|&at| bytes[at].is_ascii_digit()).collect();
                if let Some(&at) = digits.get(draws.below(digits.len())) {
                    let word = STUMBLING_BLOCKS[draws.below(5)];
                    bytes.splice(at..=at, word.bytes());
                }
            }
            6 => {
                let again = bytes[draws.range(len, 30)].repeat(draws.below(300));
                bytes.extend(again);
            }
            _ => {
                let word = STUMBLING_BLOCKS[draws.below(STUMBLING_BLOCKS.len())];
                let at = draws.below(len + 1);
                bytes.splice(at..at, word.bytes());
            }
        }
    }
    bytes
}

fn files_below(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, ending, found);
        } else if path.extension().is_some_and(|is| is == ending) {
            found.push(path);
        }
    }
    found.sort();
}

/// Good files of every kind, made by the program itself where it makes them.
fn readers(folder: &Path) -> Vec<Reader> {
    let mut scenarios = Vec::new();
    files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"), "toml", &mut scenarios);
    let scenarios: Vec<Vec<u8>> =
        scenarios.iter().step_by(7).map(|path| fs::read(path).expect("a file")).collect();
    fs::write(folder.join("calm.toml"), CALM).expect("a file");
    splitbrain(folder, &["replay", "calm.toml", "--record", "good.tape"]);
    let made =
        splitbrain(folder, &["sweep", "calm.toml", "--seeds", "0..47", "--threads", "1", "--out", "out"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let tape = fs::read(folder.join("good.tape")).expect("a tape");
    let journal = fs::read(folder.join("out/journal.jsonl")).expect("a journal");
    vec![
        Reader {
            name: "scenario",
            arguments: &["lint", "bad.toml"],
            place: "bad.toml",
            good: scenarios.clone(),
        },
        Reader {
            name: "form",
            arguments: &["fmt", "--check", "bad.toml"],
            place: "bad.toml",
            good: scenarios,
        },
        Reader {
            name: "tape",
            arguments: &["replay", "calm.toml", "--tape", "bad.tape"],
            place: "bad.tape",
            good: vec![tape],
        },
        Reader {
            name: "journal",
            arguments: &["merge", "out", "--file", "calm.toml"],
            place: "out/journal.jsonl",
            good: vec![journal],
        },
    ]
    .into_iter()
    .chain(histories())
    .collect()
}

/// What `check` reads: every form, judged whole and in passing.
fn histories() -> Vec<Reader> {
    let reader = |name, arguments, place, good: &[&[u8]]| Reader {
        name,
        arguments,
        place,
        good: good.iter().map(|good| good.to_vec()).collect(),
    };
    let edn = [JEPSEN, TRANSACTIONS, BANK].map(str::as_bytes);
    vec![
        reader("edn", &["check", "bad.edn"], "bad.edn", &edn),
        reader("edn as registers", &["check", "bad.edn", "--model", "cas-register"], "bad.edn", &edn[..1]),
        reader("packed", &["check", "bad.edn.gz"], "bad.edn.gz", &[PACKED]),
        reader("columns", &["check", "bad.txt"], "bad.txt", &[COLUMNS.as_bytes()]),
        reader("log", &["check", "bad.log"], "bad.log", &[LOG.as_bytes()]),
        reader("lines", &["check", "bad.jsonl"], "bad.jsonl", &[LINES.as_bytes()]),
        reader("in passing", &["check", "--stream", "bad.jsonl"], "bad.jsonl", &[LINES.as_bytes()]),
    ]
}

const CALM: &str = "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a', 'b', 'c']\n[story]\nsteps = [{ run = '300ms' }]\n\
                    [expect]\nviolations = 'none'\n";

const JEPSEN: &str = "{:process 0, :type :invoke, :f :write, :value 3}\n{:process 1, :type :invoke, :f :read, :value nil}\n\
                      {:process 0, :type :ok, :f :write, :value 3}\n{:process 1, :type :ok, :f :read, :value 3}\n\
                      {:process 2, :type :invoke, :f :cas, :value [3 4]}\n{:process 2, :type :info, :f :cas, :value [3 4]}\n";

const LINES: &str = "{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"key\":\"x\",\"value\":1}\n\
                     {\"process\":0,\"type\":\"ok\",\"f\":\"write\",\"key\":\"x\",\"value\":1}\n\
                     {\"process\":1,\"type\":\"invoke\",\"f\":\"read\",\"key\":\"x\"}\n\
                     {\"process\":1,\"type\":\"ok\",\"f\":\"read\",\"key\":\"x\",\"value\":1}\n";

const TRANSACTIONS: &str = "{:process 0 :type :invoke :f :txn :value [[:r 1 nil] [:append 1 2]]}\n\
     {:process 0 :type :ok :f :txn :value [[:r 1 [3]] [:append 1 2]]}\n\
     {:process 1 :type :invoke :f :txn :value [[:append 1 3]]}\n\
     {:process 1 :type :ok :f :txn :value [[:append 1 3]]}\n";

const BANK: &str = "{:process 0 :type :invoke :f :transfer :value {:from 0 :to 1 :amount 5}}\n\
     {:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value {0 5, 1 5}}\n";

const COLUMNS: &str = "0\t0\t:invoke\t:write\t5\n1\t1\t:invoke\t:read\tnil\n2\t0\t:ok\t:write\t5\n\
     3\t1\t:ok\t:read\t5\n";

const LOG: &str = "INFO  jepsen.util - 0\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:read\tnil\n\
     INFO  jepsen.util - 1\t:invoke\t:cas\t[2 4]\nINFO  jepsen.util - 1\t:fail\t:cas\t[2 4]\n";

/// A history of Jepsen, packed by gzip.
const PACKED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xb6\x2a\x28\xca\x4f\x4e\x2d\x2e\x56\x30\xd0\x51\xb0\x2a\xa9\x2c\x48\
    \x55\xb0\xca\xcc\x2b\xcb\xcf\x4e\x05\x72\xd3\x14\xac\xca\x8b\x32\x4b\x40\xcc\xb2\xc4\x9c\xd2\x54\x05\xe3\x5a\xae\
    \x6a\xb8\x06\x43\xac\x1a\x8a\x52\x13\x53\xe0\xea\xf3\x32\x73\x90\x75\x20\xac\xc8\xcf\x26\xc1\x78\x98\x62\x14\xa3\
    \x81\x6a\x01\x77\x15\x63\x12\xbc\x00\x00\x00";

#[test]
#[allow(clippy::print_stdout)]
fn no_input_does_more_than_to_be_refused() {
    let count = std::env::var("MUTATIONS").map_or(FEW, |text| text.parse().expect("a number"));
    let first = std::env::var("MUTATIONS_FROM").map_or(0, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let readers = readers(folder.path());
    let mut ends = std::collections::BTreeMap::<(&str, Option<i32>), u64>::new();
    for number in first..first + count {
        let mut draws = Draws(number);
        let reader = &readers[number as usize % readers.len()];
        let good = &reader.good[draws.below(reader.good.len())];
        let other = &readers[draws.below(readers.len())].good[0];
        let bad = mutate(good, other, &mut draws);
        fs::write(folder.path().join(reader.place), &bad).expect("a file");
        let output = splitbrain(folder.path(), reader.arguments);
        let said = text(&output.stderr);
        let code = output.status.code();
        let about =
            || format!("{}, number {number}: {:?}, {said}\n{}", reader.name, output.status, text(&bad));
        assert!(code.is_some_and(|code| (0..=3).contains(&code)), "{}", about());
        assert!(!said.contains("panicked"), "{}", about());
        assert!(
            code != Some(2) || said.contains(reader.place.rsplit('/').next().expect("a name")),
            "{}",
            about()
        );
        assert!(
            !said.contains(['\u{1b}', '\u{202e}']) && !text(&output.stdout).contains(['\u{1b}', '\u{202e}']),
            "{}",
            about()
        );
        *ends.entry((reader.name, code)).or_default() += 1;
    }
    for ((reader, code), times) in &ends {
        println!("{reader:18} exit {} {times:6} times", code.unwrap_or(-1));
    }
    // Mutations that change nothing test nothing.
    for reader in &readers {
        assert!(
            count < FEW || ends.keys().any(|(name, code)| *name == reader.name && *code != Some(0)),
            "{}",
            reader.name
        );
    }
}
