//! The fixed leader through seeds.

use example_fixed_leader::FixedLeader;
use splitbrain::testing::Check;

#[test]
fn it_keeps_its_promises_through_crashes_partitions_and_torn_writes() {
    let rough = include_str!("../scenarios/rough.toml");
    let checked = Check::<FixedLeader>::new().scenario(rough).seeds(0..50).run();
    assert!(checked.seen["restarted"] > 0 && checked.seen["unfinished-write-lost"] > 0, "it was hard");
}
