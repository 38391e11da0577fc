//! The runtime judged by openraft's own suite.

use openraft_rt::testing::Suite;

use super::SimRuntime;

#[test]
fn it_passes_the_suite_for_runtimes() {
    Suite::<SimRuntime>::test_all();
}
