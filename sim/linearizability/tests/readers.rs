//! Histories as text: what each form means, and what is said about a malformed one.
#![cfg(all(feature = "edn", feature = "json"))]

use splitbrain_linearizability::read::{Format, read};
use splitbrain_linearizability::{Kind, Model, Options, Verdict, check};

/// The guessed model, the verdict, and the operations as read.
fn judge(text: &str) -> String {
    let recorded = match read("h", text, None) {
        Ok(recorded) => recorded,
        Err(wrong) => return wrong.to_string(),
    };
    let model = recorded.model(None);
    let verdict = match check(&recorded.history, &model, &Options::default()) {
        Verdict::Linearizable => "linearizable",
        Verdict::NotLinearizable(_) => "not linearizable",
        Verdict::Unknown(..) => "unknown",
    };
    let mut lines = vec![format!("{}: {verdict}", recorded.kind.name())];
    for operation in recorded.history.operations() {
        let key = model.describe_key(operation.input.key);
        let what = model.describe(&operation.input, operation.output.as_ref());
        lines.push(format!("{} {key} {what}", operation.process));
    }
    lines.join("; ")
}

#[test]
fn knossos_maps_one_after_the_other() {
    let text = "\
        ; a comment\n\
        {:process 0, :type :invoke, :f :write, :value 3}\n\
        {:process 1, :type :invoke, :f :cas, :value [3 4]}\n\
        {:process :nemesis, :type :info, :f :start, :value nil}\n\
        {:process 0, :type :ok, :f :write, :value 3},\n\
        {:process 1, :type :fail, :f :cas, :value [3 4], :error [:not \"there\"]}\n\
        {:type :invoke :f :read :value nil :process 2 :time 12 :index 7}\n\
        {:process 2, :type :ok, :f :read, :value nil}\n\
        {:process 2, :type :invoke, :f :read, :value nil}\n\
        {:process 2, :type :ok, :f :read, :value 3}";
    assert_eq!(
        judge(text),
        "cas-register: linearizable; 0 0 write 3; 2 0 read -> nil, not seen; 2 0 read -> 3"
    );
}

#[test]
fn an_info_may_take_effect_later_and_a_fail_never() {
    let later = "[{:process 0 :type :invoke :f :write :value 3} {:process 0 :type :info :f :write :value 3
        :error :timeout} {:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value 3}]";
    assert_eq!(judge(later), "register: linearizable; 0 0 write 3 -> unknown; 1 0 read -> 3");
    let never = later.replace(":info", ":fail");
    assert_eq!(judge(&never), "register: not linearizable; 1 0 read -> 3");
}

#[test]
fn tagged_operations_and_independent_keys() {
    let text = "[#jepsen.history.Op{:index 0, :process 0, :type :invoke, :f :read, :value [7 nil]}\n\
        #jepsen.history.Op{:index 1, :process 0, :type :ok, :f :read, :value [7 nil]}\n\
        {:process 0, :type :invoke, :f :cas, :value [7 [1 2]]},\n\
        {:process 0, :type :info, :f :cas, :value [7 [1 2]]},\n\
        {:process 1, :type :invoke, :f :write, :value [8 \"x\"]}\n\
        {:process 1, :type :ok, :f :write, :value [8 \"x\"]}]";
    let expected =
        "cas-register: linearizable; 0 7 read -> nil, not seen; 0 7 cas 1 2 -> unknown; 1 8 write \"x\"";
    assert_eq!(judge(text), expected);
    let tagged = text.replace(":value [", ":value #jepsen.independent/tuple [");
    assert_eq!(judge(&tagged), expected);
}

#[test]
fn an_open_operation_at_the_end_is_unknown() {
    assert_eq!(
        judge("{:process 0, :type :invoke, :f :write, :value 1}"),
        "register: linearizable; 0 0 write 1 -> unknown"
    );
}

#[test]
fn the_log_of_an_etcd_test() {
    let text = "\
        INFO  jepsen.util - 0\t:invoke\t:read\tnil\n\
        WARN  somewhere.else - 0 :invoke nonsense\n\
        INFO  jepsen.util - 0\t:ok\t:read\tnil\n\
        INFO  jepsen.util - 1\t:invoke\t:cas\t[2 4]\n\
        INFO  jepsen.util - :nemesis\t:info\t:start\tnil\n\
        INFO  jepsen.util - 1\t:fail\t:cas\t[2 4]\n\
        INFO  jepsen.util - 0\t:invoke\t:write\t2\n\
        INFO  jepsen.util - 0\t:info\t:write\t:timed-out\n\
        INFO  jepsen.util - 2  :invoke  :read  nil\n\
        INFO  jepsen.util - 2  :fail  :read  :timed-out\n\
        INFO  jepsen.util - 2  :invoke  :read  nil\n\
        INFO  jepsen.util - 2  :ok  :read  2\n";
    assert_eq!(
        judge(text),
        "cas-register: linearizable; 0 0 read -> nil; 1 0 cas 2 4 -> failed; 0 0 write 2 -> unknown; 2 0 read -> 2"
    );
    let empty = text
        .replace(":ok  :read  2", ":ok  :read  nil")
        .replace("\t:info\t:write\t:timed-out", "\t:ok\t:write\t2");
    assert!(judge(&empty).starts_with("cas-register: not linearizable"), "nil is empty here");
}

#[test]
fn the_key_value_form() {
    let text = "\
        {:process 0, :type :invoke, :f :get, :key \"8\", :value nil}\n\
        {:process 0, :type :ok, :f :get, :key \"8\", :value \"\"}\n\
        {:process 0, :type :invoke, :f :append, :key \"8\", :value \"x 0 0 y\"}\n\
        {:process 1, :type :invoke, :f :put, :key \"9\", :value \"p\"}\n\
        {:process 0, :type :ok, :f :append, :key \"8\", :value \"x 0 0 y\"}\n\
        {:process 0, :type :invoke, :f :get, :key \"8\", :value nil}\n\
        {:process 0, :type :ok, :f :get, :key \"8\", :value \"x 0 0 y\"}\n";
    assert_eq!(
        judge(text),
        "kv: linearizable; 0 8 read -> \"\"; 0 8 append \"x 0 0 y\"; 1 9 write \"p\" -> unknown; 0 8 read -> \"x 0 0 y\""
    );
    let lost =
        text.replace(":ok, :f :get, :key \"8\", :value \"x 0 0 y\"", ":ok, :f :get, :key \"8\", :value \"\"");
    assert!(judge(&lost).starts_with("kv: not linearizable"));
}

#[test]
fn lists() {
    let text = "[{:process 0 :type :invoke :f :append :value 1} {:process 0 :type :ok :f :append :value 1}
        {:process 0 :type :invoke :f :append :value 2} {:process 0 :type :ok :f :append :value 2}
        {:process 0 :type :invoke :f :read :value nil} {:process 0 :type :ok :f :read :value [1 2]}]";
    assert_eq!(judge(text), "append-list: linearizable; 0 0 append 1; 0 0 append 2; 0 0 read -> [1 2]");
    assert!(judge(&text.replace("[1 2]", "[2 1]")).starts_with("append-list: not linearizable"));
}

#[test]
fn json_lines() {
    let text = r#"
        {"process":0,"type":"invoke","f":"write","key":"k","value":1,"time":5}
        {"process":0,"type":"ok"}
        {"process":1,"type":"invoke","f":"cas","key":"k","value":[2,3]}
        {"process":1,"type":"fail","found":1}
        {"process":1,"type":"invoke","f":"read","key":"k"}
        {"process":1,"type":"ok","value":null}"#;
    let expected =
        "cas-register: not linearizable; 0 k write 1; 1 k cas 2 3 -> failed, found 1; 1 k read -> nil";
    assert_eq!(judge(text), expected);
    let unseen = text.replace(r#","value":null"#, "");
    assert!(judge(&unseen).starts_with("cas-register: linearizable"));
}

#[test]
fn mistakes_name_their_line_and_what_was_expected() {
    let cases = [
        ("", "h:1: expected EDN operations"),
        (
            "\n{:process 0 :type :ok :f :read :value 1}",
            "h:2: process 0 has no open operation; expected its :invoke",
        ),
        (
            "{:process 0 :type :invoke :f :read}\n{:process 0 :type :invoke :f :read}",
            "h:2: process 0 called again",
        ),
        ("{:process 0 :type :invoke :f :frobnicate :value 1}", "h:1: expected :f read, write, cas"),
        ("{:process 0 :type :invoke :f :txn :value [[:r 1]]}", "h:1: expected a transaction such as"),
        ("{:process 0 :type :begin :f :read}", "h:1: expected :type :invoke"),
        ("{:process 0 :type :invoke :f :cas :value 1}", "h:1: expected the two values"),
        ("{:type :invoke :f :read}", "h:1: expected :process"),
        ("[{:process 0 :type :invoke :f :read}\n\n", "h:3: the file ends here; expected ]"),
        ("{:process 0\n :type", "h:1: expected an operation such as"),
        ("[1 2]", "h:1: expected an operation, a map"),
        ("INFO  jepsen.util - 0 :invoke :cas [1]", "h:1: expected two numbers such as [1 2], found \"[1]\""),
        ("INFO  jepsen.util - 0 :nothing :read nil", "h:1: expected :invoke, :ok, :fail or :info"),
        ("INFO  jepsen.util - 0 :ok :read nil", "h:1: process 0 has no open operation"),
        ("{\"process\":0,\"type\":\"invoke\",\"f\":\"write\"}", "h:1: expected the value of this write"),
        ("{\"process\":\"a\"}", "h:1: invalid type"),
        ("{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n{", "h:2: EOF while parsing"),
    ];
    for (text, expected) in cases {
        let found = judge(text);
        assert!(found.starts_with(expected), "{text:?}\nexpected {expected}\nfound    {found}");
    }
}

#[test]
fn a_model_refuses_operations_it_does_not_have() {
    let recorded = read("h", "{:process 0 :type :invoke :f :append :value 1}", None).expect("well formed");
    assert_eq!(recorded.kind, Kind::AppendList);
    assert!(recorded.foreign_to(Kind::Register).is_some());
    assert!(recorded.foreign_to(Kind::AppendList).is_none());
}

/// Found by fuzzing: a lone carriage return is no line, wherever the mistake stands.
#[test]
fn a_mistake_is_told_with_its_line_whatever_ends_the_lines() {
    let line = |text: &str| read("x", text, Some(Format::Edn)).expect_err("it is wrong").line;
    assert_eq!(line("{*8;)\t(+\r\r\r\r\r)"), 1);
    assert_eq!(line("{:process 0\r\n :type ]\r\n"), 2);
    assert_eq!(line("{:process 0\n :type ]\n"), 2);
}

#[test]
fn the_columns_that_knossos_prints() {
    let text =
        "0\t0\t:invoke\t:write\t5\n1\t1\t:invoke\t:read\tnil\n2\t0\t:ok\t:write\t5\n3\t1\t:ok\t:read\t5\n";
    assert_eq!(judge(text), "register: linearizable; 0 0 write 5; 1 0 read -> 5");
    assert_eq!(judge(&text.replace('\t', "  ").replace('\n', "\r\n")), judge(text));
    let without_index: String =
        text.lines().map(|line| format!("{}\n", line.split_once('\t').expect("columns").1)).collect();
    assert_eq!(judge(&without_index), judge(text));
    let nemesis = format!(
        "{text}:nemesis\t:info\t:start\tnil\n0\t:invoke\t:cas\t[5 6]\n0\t:info\t:cas\t[5 6]\tindeterminate: x\n"
    );
    assert!(judge(&nemesis).ends_with("0 0 cas 5 6 -> unknown"), "{}", judge(&nemesis));
    assert_eq!(&judge(&format!("{text}what is this\n"))[..9], "h:5: expe");
}

#[test]
fn what_clojure_writes_is_read() {
    let judged = |value: &str| {
        judge(&format!(
            "\u{feff}{{:process 0, :type :invoke, :f :write, :value {value}}}\r\n{{:process 0, :type :ok, :f :write, :value {value}}}\r\n\
             {{:process 0, :type :invoke, :f :read, :value nil}}\r\n{{:process 0, :type :ok, :f :read, :value {value}}}\r\n"
        ))
    };
    for value in [
        "1.5M",
        "##NaN",
        "##-Inf",
        "#inst \"2026-01-01T00:00:00Z\"",
        "#some.unknown/Tag{:a 1}",
        "\\a",
        "\\newline",
        "#{1 2}",
        "{:a #{\\b}}",
        "99999999999999999999N",
        "-7",
        "1/2",
        "[##Inf 1 2]",
        ":k",
    ] {
        assert!(
            judged(value).starts_with("register: linearizable; 0 0 write "),
            "{value}: {}",
            judged(value)
        );
    }
    assert_eq!(judged("5N"), judged("5"));
}

/// Two million digits took longer than anybody waits: a number without bounds is read in the square of its length.
#[test]
fn numbers_are_bounded() {
    let write = |value: &str| judge(&format!("{{:process 0 :type :invoke :f :write :value {value}}}"));
    for long in ["9".repeat(2_000_000), format!("1.{}M", "9".repeat(2_000_000)), "9".repeat(4_097)] {
        assert!(write(&long).contains("digits; expected 4096 at most"), "{:.80}", write(&long));
    }
    assert!(write(&"9".repeat(4_096)).starts_with("register"), "{:.80}", write(&"9".repeat(4_096)));
    assert!(write(&format!("\"{}\"", "9".repeat(5_000))).starts_with("register"), "a text is no number");
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, close: &str, times: usize| {
        format!(
            "{{:process 0 :type :invoke :f :write :value {}1{}}}",
            open.repeat(times),
            close.repeat(times)
        )
    };
    for (open, close) in
        [("[", "]"), ("{:a ", "}"), ("(", ")"), ("#{", "}"), ("#a ", ""), ("#a [", "]"), ("#_", "")]
    {
        let found = judge(&deep(open, close, 100_000));
        assert!(found.starts_with("h:1: more than 128 forms within each other"), "{open}: {found:.80}");
    }
    assert!(judge(&deep("[", "]", 100)).starts_with("register: linearizable"));
    let json = format!(
        "{{\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(judge(&json).starts_with("h:1: recursion limit"), "{:.80}", judge(&json));
    // Ends must not count below nothing, nor strings, letters and comments at all.
    let quiet = format!("; {0}\n\"{0}\" ", "[".repeat(1_000)) + &"\\[ ".repeat(1_000);
    assert!(judge(&format!("[{quiet}]")).contains("expected an operation"));
}
