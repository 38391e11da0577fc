//! Delta debugging: leaving out parts of a list while what matters stays (Zeller and Hildebrandt 2002).
//!
//! Holds: what comes out passed the test; when the work was not cut short, leaving out any one part fails it.
//! Not here: what the parts are.

/// Where leaving out begins: another beginning often ends at another minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With the first parts.
    Front,
    /// With the last parts.
    Back,
}

/// Leaves out parts of a list as long as `keeps` takes what is left.
///
/// `keeps` gives the parts that were really used, or `None` when what matters is gone; `over` ends the work early.
/// At worst quadratic in the length of the list.
pub fn ddmin<T: Clone>(
    mut items: Vec<T>,
    from: From,
    keeps: &mut dyn FnMut(Vec<T>) -> Option<Vec<T>>,
    over: &mut dyn FnMut() -> bool,
) -> Vec<T> {
    let mut chunk = items.len().div_ceil(2).max(1);
    loop {
        let before = items.len();
        // How many parts were looked at, or left alone, in this round.
        let mut done = 0;
        while done < items.len() {
            if over() {
                return items;
            }
            let size = chunk.min(items.len() - done);
            let at = if from == From::Front { done } else { items.len() - done - size };
            let mut rest = items.clone();
            rest.drain(at..at + size);
            match keeps(rest) {
                Some(used) if used.len() < items.len() => items = used,
                Some(_) | None => done += chunk,
            }
        }
        if chunk == 1 && items.len() == before {
            return items;
        }
        chunk = if chunk > 1 { chunk.div_ceil(2) } else { 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_left_is_exactly_what_matters(
            items in proptest::collection::vec(0u8..20, 0..60),
            wanted in proptest::collection::btree_set(0u8..20, 0..4),
            from in prop_oneof![Just(From::Front), Just(From::Back)],
        ) {
            let holds = |items: &Vec<u8>| wanted.iter().all(|wanted| items.contains(wanted));
            prop_assume!(holds(&items));
            let mut keeps = |rest: Vec<u8>| holds(&rest).then_some(rest);
            let left = ddmin(items, from, &mut keeps, &mut || false);
            let left: Vec<u8> = { let mut left = left; left.sort_unstable(); left };
            prop_assert_eq!(left, wanted.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn it_ends_when_told_to() {
        let mut tries = 0;
        let left = ddmin(
            (0..100).collect(),
            From::Front,
            &mut |rest| rest.contains(&7).then_some(rest),
            &mut || {
                tries += 1;
                tries > 2
            },
        );
        assert!(left.contains(&7) && 1 < left.len() && left.len() < 100, "{left:?}");
    }
}
