//! Turns a panic inside a protocol into a value, without a word on the terminal.
//!
//! Holds: a panic elsewhere is reported as always. Not here: what a panic means for a run (`runner`).

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The message of the panic being caught on this thread; `None` when nobody catches.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Runs something and gives its panic's message, with the place in the source, instead of unwinding further.
///
/// # Errors
/// The message of the panic.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(install);
    let outer = CAUGHT.replace(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(run));
    let message = CAUGHT.replace(outer).unwrap_or_default();
    result.map_err(|payload| match payload.downcast::<Ended>() {
        Ok(ended) => ended.0,
        Err(_) => message,
    })
}

/// What a run was ended with.
struct Ended(String);

/// Ends a run as a panic would, in an adapter whose own source is no place to look at.
#[cfg(any(feature = "guests", feature = "openraft", test))]
pub(crate) fn end(message: String) -> ! {
    std::panic::resume_unwind(Box::new(Ended(message)))
}

fn install() {
    let usual = take_hook();
    set_hook(Box::new(move |info| {
        let caught = CAUGHT.with_borrow_mut(|caught| {
            let Some(message) = caught else { return false };
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
            // The file's name is enough: a path would differ from machine to machine.
            let place = info.location().map_or(String::new(), |place| {
                let file = place.file().rsplit(['/', '\\']).next().unwrap_or_default();
                format!(" ({file}:{})", place.line())
            });
            *message = format!("{text}{place}");
            true
        });
        if !caught {
            usual(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        let caught = catch(|| panic!("the vote is given once a term"));
        assert!(caught.unwrap_err().starts_with("the vote is given once a term (panics.rs:"));
        assert_eq!(catch(|| 5), Ok(5));
        let nested = catch(|| {
            assert!(catch(|| panic!("within")).is_err());
            panic!("without")
        });
        assert!(nested.unwrap_err().starts_with("without (panics.rs:"));
        assert_eq!(catch(|| end(String::from("it stops"))), Err::<(), _>(String::from("it stops")));
    }
}
