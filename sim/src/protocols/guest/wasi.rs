//! The operating system that a guest sees: WASI preview 1, answered from the world.
//!
//! Holds: a clock shows the node's own clock, chance is a pure function of the boot's entropy; there are no files, no
//! network and no environment, and what asks for them is told so. Whatever is no function of preview 1 is refused by its name
//! before anything runs. What a guest prints is kept for the story of its end.
//! Not here: what a guest is asked (`engine`).

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::webassembly::{Caller, Error, Linker, Memory, StoreLimits, StoreLimitsBuilder, trap};

/// The module's name in imports.
pub(super) const NAME: &str = "wasi_snapshot_preview1";
/// How much memory a guest may have.
const MEMORY_MAX: usize = 1 << 28;
/// How much of what a guest prints in one call is kept.
const SAID_MAX: usize = 1 << 13;
/// The descriptor that can be read when nothing in the guest can go on.
const IDLE: i32 = 3;

/// What the monotonic clock is ahead: Go takes a clock at zero for a broken one.
const MONOTONIC: u64 = 1_000_000_000;

// Error numbers of preview 1.
const SUCCESS: i32 = 0;
const AGAIN: i32 = 6;
const BAD_DESCRIPTOR: i32 = 8;
const FAULT: i32 = 21;
const NOT_CAPABLE: i32 = 76;

/// What preview 1 has beside that which is answered here: files, sockets, signals. A guest that links them is told that it may
/// not.
const DENIED: [&str; 29] = [
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_pwrite",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "proc_raise",
    "sock_accept",
    "sock_recv",
    "sock_shutdown",
];

/// What is answered here.
const ANSWERED: [&str; 16] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_read",
    "fd_write",
    "poll_oneoff",
    "proc_exit",
    "random_get",
    "sched_yield",
];

/// What a guest's operating system remembers. All of it is copied with the guest.
#[derive(Clone)]
pub(super) struct Host {
    /// Nanoseconds on the node's own clock.
    pub(super) now: u64,
    /// What the monotonic clock showed last: it never falls, whatever happens to the node's clock.
    monotonic: u64,
    /// The seed of its chance, and how much was drawn.
    entropy: u64,
    drawn: u64,
    /// Whether nothing in the guest can go on.
    idle: bool,
    /// When the guest wants to be called again by itself, by its monotonic clock.
    pub(super) wake: Option<u64>,
    /// What it printed in this call.
    pub(super) said: Vec<u8>,
    /// How it ended itself.
    pub(super) ended: Option<i32>,
    /// Its memory, once there is one.
    pub(super) memory: Option<Memory>,
}

/// A host with the bounds that an engine asks for.
pub(super) struct Bounded {
    /// The host.
    pub(super) host: Host,
    /// The bounds.
    pub(super) limits: StoreLimits,
}

impl Bounded {
    pub(super) fn new(host: Host) -> Bounded {
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY_MAX).trap_on_grow_failure(true);
        Bounded { host, limits: limits.build() }
    }
}

impl Host {
    pub(super) fn new(entropy: u64, now: u64) -> Host {
        Host {
            now,
            monotonic: now + MONOTONIC,
            entropy,
            drawn: 0,
            idle: false,
            wake: None,
            said: Vec::new(),
            ended: None,
            memory: None,
        }
    }

    /// Begins a call at a time of the node's clock.
    pub(super) fn begin(&mut self, now: u64) {
        self.now = now;
        self.monotonic = self.monotonic.max(now + MONOTONIC);
        self.said.clear();
    }

    /// The time on the monotonic clock.
    pub(super) fn monotonic(&self) -> u64 {
        self.monotonic
    }

    fn draw(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.drawn += 1;
            let word = xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.entropy).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// A guest's memory as a host function sees it, and the host.
fn split<'a>(caller: &'a mut Caller<'_, Bounded>) -> Option<(&'a mut [u8], &'a mut Host)> {
    let memory = caller.data().host.memory?;
    let (bytes, bounded) = memory.data_and_store_mut(caller);
    Some((bytes, &mut bounded.host))
}

fn place(memory: &mut [u8], at: i32, length: usize) -> Option<&mut [u8]> {
    let at = at as u32 as usize;
    memory.get_mut(at..at.checked_add(length)?)
}

fn read<const N: usize>(memory: &[u8], at: usize) -> Option<[u8; N]> {
    memory.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn write(memory: &mut [u8], at: i32, bytes: &[u8]) -> Option<()> {
    place(memory, at, bytes.len())?.copy_from_slice(bytes);
    Some(())
}

/// An answer as an error number: nothing means that the guest gave a place outside of its memory.
fn answer(found: Option<i32>) -> i32 {
    found.unwrap_or(FAULT)
}

type Call<'a> = Caller<'a, Bounded>;

fn sizes_get(mut caller: Call<'_>, count: i32, size: i32) -> i32 {
    let zero = |(memory, _): (&mut [u8], &mut Host)| {
        write(memory, count, &[0; 4])?;
        write(memory, size, &[0; 4])?;
        Some(SUCCESS)
    };
    answer(split(&mut caller).and_then(zero))
}

fn clock_time_get(mut caller: Call<'_>, clock: i32, _precision: i64, at: i32) -> i32 {
    let tell = |(memory, host): (&mut [u8], &mut Host)| {
        let time = if clock == 1 { host.monotonic } else { host.now };
        write(memory, at, &time.to_le_bytes())?;
        Some(SUCCESS)
    };
    answer(split(&mut caller).and_then(tell))
}

fn clock_res_get(mut caller: Call<'_>, _clock: i32, at: i32) -> i32 {
    answer(
        split(&mut caller).and_then(|(memory, _)| write(memory, at, &1u64.to_le_bytes()).map(|()| SUCCESS)),
    )
}

fn random_get(mut caller: Call<'_>, at: i32, length: i32) -> i32 {
    let draw = |(memory, host): (&mut [u8], &mut Host)| {
        host.draw(place(memory, at, length as u32 as usize)?);
        Some(SUCCESS)
    };
    answer(split(&mut caller).and_then(draw))
}

fn fd_write(mut caller: Call<'_>, descriptor: i32, vectors: i32, count: i32, written: i32) -> i32 {
    let take = |(memory, host): (&mut [u8], &mut Host)| {
        let mut total = 0u32;
        for vector in 0..count as u32 as usize {
            let at = (vectors as u32 as usize).checked_add(vector * 8)?;
            let start = i32::from_le_bytes(read(memory, at)?);
            let length = u32::from_le_bytes(read(memory, at + 4)?);
            let bytes = place(memory, start, length as usize)?;
            let room = SAID_MAX.saturating_sub(host.said.len());
            host.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
            total = total.checked_add(length)?;
        }
        write(memory, written, &total.to_le_bytes())?;
        Some(SUCCESS)
    };
    if !(1..=2).contains(&descriptor) {
        return BAD_DESCRIPTOR;
    }
    answer(split(&mut caller).and_then(take))
}

/// The idle descriptor gives one byte for each time that everything waited; no other can be read.
fn fd_read(mut caller: Call<'_>, descriptor: i32, vectors: i32, count: i32, taken: i32) -> i32 {
    let give = |(memory, host): (&mut [u8], &mut Host)| {
        if !std::mem::take(&mut host.idle) {
            return Some(AGAIN);
        }
        let start = i32::from_le_bytes(read(memory, vectors as u32 as usize)?);
        write(memory, start, &[0])?;
        write(memory, taken, &1u32.to_le_bytes())?;
        Some(SUCCESS)
    };
    if descriptor != IDLE || count < 1 {
        return BAD_DESCRIPTOR;
    }
    answer(split(&mut caller).and_then(give))
}

fn fd_fdstat_get(mut caller: Call<'_>, descriptor: i32, at: i32) -> i32 {
    // The kind of file in the first byte, flags in the third: a terminal, or a socket that does not block.
    let (kind, flags) = match descriptor {
        0..=2 => (2, 0),
        IDLE => (6, 4),
        _ => return BAD_DESCRIPTOR,
    };
    let mut stat = [0xff; 24];
    stat[..8].copy_from_slice(&[kind, 0, flags, 0, 0, 0, 0, 0]);
    answer(split(&mut caller).and_then(|(memory, _)| write(memory, at, &stat).map(|()| SUCCESS)))
}

/// What `poll_oneoff` is asked to wait for.
enum Waits {
    Clock { timeout: u64 },
    Readable { descriptor: i32 },
    Other,
}

fn subscription(memory: &[u8], at: usize) -> Option<([u8; 8], Waits)> {
    let user = read(memory, at)?;
    let [tag] = read(memory, at + 8)?;
    let waits = match tag {
        0 => Waits::Clock { timeout: u64::from_le_bytes(read(memory, at + 24)?) },
        1 => Waits::Readable { descriptor: i32::from_le_bytes(read(memory, at + 16)?) },
        _ => Waits::Other,
    };
    Some((user, waits))
}

fn event(user: [u8; 8], tag: u8) -> [u8; 32] {
    let mut event = [0; 32];
    event[..8].copy_from_slice(&user);
    event[10] = tag;
    event[16] = 1;
    event
}

/// Everything in the guest waits: that is where its call ends. A guest that watches the idle descriptor finds it readable
/// and returns; the first deadline it waits for is remembered. For another, the time passes at once.
fn poll_oneoff(mut caller: Call<'_>, subscriptions: i32, events: i32, count: i32, happened: i32) -> i32 {
    let poll = |(memory, host): (&mut [u8], &mut Host)| {
        let (mut deadline, mut idle) = (None, None);
        for number in 0..count as u32 as usize {
            match subscription(memory, (subscriptions as u32 as usize).checked_add(number * 48)?)? {
                (user, Waits::Clock { timeout }) => deadline = Some((user, timeout)),
                (user, Waits::Readable { descriptor: IDLE }) => idle = Some(user),
                (_, Waits::Readable { .. } | Waits::Other) => {}
            }
        }
        let event = match (deadline, idle) {
            (Some((user, 0)), _) => event(user, 0),
            (deadline, Some(user)) => {
                host.idle = true;
                host.wake = deadline.map(|(_, timeout)| host.monotonic.saturating_add(timeout));
                event(user, 1)
            }
            (Some((user, timeout)), None) => {
                host.monotonic = host.monotonic.saturating_add(timeout);
                event(user, 0)
            }
            (None, None) => return Some(NOT_CAPABLE),
        };
        write(memory, events, &event)?;
        write(memory, happened, &1u32.to_le_bytes())?;
        Some(SUCCESS)
    };
    answer(split(&mut caller).and_then(poll))
}

/// The end of a guest.
fn proc_exit(mut caller: Call<'_>, status: i32) -> Result<(), Error> {
    caller.data_mut().host.ended = Some(status);
    Err(trap("the guest ended itself"))
}

/// What a guest printed first in a call: of a panic, its message.
pub(super) fn last_words(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// Whether a function is denied to every guest.
pub(super) fn is_denied(name: &str) -> bool {
    DENIED.contains(&name)
}

/// Whether a function is answered.
pub(super) fn is_answered(name: &str) -> bool {
    ANSWERED.contains(&name)
}

/// What a denied function answers.
pub(super) fn denied(name: &str) -> i32 {
    if name.starts_with("fd_") { BAD_DESCRIPTOR } else { NOT_CAPABLE }
}

/// Gives a guest what is answered here.
pub(super) fn link(linker: &mut Linker<Bounded>) -> Result<(), Error> {
    let nothing = |_: Call<'_>, _: i32, _: i32| SUCCESS;
    linker.func_wrap(NAME, "args_get", nothing)?;
    linker.func_wrap(NAME, "args_sizes_get", sizes_get)?;
    linker.func_wrap(NAME, "environ_get", nothing)?;
    linker.func_wrap(NAME, "environ_sizes_get", sizes_get)?;
    linker.func_wrap(NAME, "clock_res_get", clock_res_get)?;
    linker.func_wrap(NAME, "clock_time_get", clock_time_get)?;
    linker.func_wrap(NAME, "random_get", random_get)?;
    linker.func_wrap(NAME, "poll_oneoff", poll_oneoff)?;
    linker.func_wrap(NAME, "sched_yield", |_: Call<'_>| SUCCESS)?;
    linker.func_wrap(NAME, "fd_read", fd_read)?;
    linker.func_wrap(NAME, "fd_write", fd_write)?;
    linker.func_wrap(NAME, "fd_fdstat_get", fd_fdstat_get)?;
    linker.func_wrap(NAME, "fd_fdstat_set_flags", nothing)?;
    linker.func_wrap(NAME, "fd_prestat_get", |_: Call<'_>, _: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(NAME, "fd_prestat_dir_name", |_: Call<'_>, _: i32, _: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(NAME, "proc_exit", proc_exit)?;
    Ok(())
}
