//! Chapter 6: your Raft is in Go.
//!
//! A library in another language runs as a WebAssembly module, unmodified: it is called with bytes and answers with bytes, and
//! whatever it asks its operating system for (the time, chance, a pause) is answered by the world. Build `splitbrain` with the
//! feature `guests`; with `guests-compiled` it has a compiler in place of the interpreter, which takes minutes to build and is
//! many times as fast.
//!
//! In Go there is a package for it, `guests/go` in the repository. A guest is a module of its own beside it, with a `go.mod`
//! that says `replace splitbrain/guest => ../go`, and one `main.go`:
//!
//! ```go
//! package main
//!
//! import "splitbrain/guest"
//!
//! const declaration = `splitbrain 1
//! name mine
//! keeps-own-time
//! timer tick
//! role follower
//! role leader
//! message any
//! `
//!
//! func main() {}
//!
//! func init() {
//!     guest.Serve(guest.Protocol{
//!         Declaration:   declaration,
//!         CheckSettings: func(guest.Settings) (name, expected string) { return "", "" },
//!         Format:        format, // what a disk holds before the first boot: the members
//!         Boot:          boot,   // starts a process on what its disk holds
//!     })
//! }
//! ```
//!
//! `boot` returns a value with nine methods, one for each thing that can happen to a node, and `Status`, which is what checkers
//! see. What a node wants done it asks of `guest.Effects`, in order:
//!
//! ```go
//! func (n *node) Received(from, source, to uint32, message []byte) {
//!     var m pb.Message
//!     must(m.Unmarshal(message))
//!     _ = n.raw.Step(m)
//!     n.settle()
//! }
//!
//! func (n *node) settle() {
//!     for len(n.waiting) == 0 && n.raw.HasReady() {
//!         ready := n.raw.Ready()
//!         for _, entry := range ready.Entries {
//!             n.out.Entry(entry.Index, entry.Term, entry.Data)
//!         }
//!         n.out.Cell(hardState, encoded(ready.HardState))
//!         n.waiting = append(n.waiting, waiting{n.out.Persist(), ready}) // messages leave in Persisted
//!     }
//! }
//! ```
//!
//! `guests/build` shows the one command that makes the module, and it runs as any system does:
//!
//! ```sh
//! GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o mine.wasm .
//! SPLITBRAIN_GUEST=mine.wasm splitbrain sweep --system guest --seeds 0..1000
//! ```
//!
//! - **An effect is a licence.** What a message vouches for must be durable before `Send`. If the library takes a write for
//!   durable when its call returns, let the goroutine wait, as below.
//! - **Goroutines.** A library with goroutines and timers of its own says `Threads: true`. Then each call lasts until all of
//!   them wait, and the first deadline among them is when the world calls again. A store's method issues its write and waits on
//!   a channel that `Persisted` closes; a transport's method sends a message and waits for the answer or for `time.After`.
//!   `guests/hashicorp-raft` is such a one.
//! - **Chance.** `crypto/rand` is a function of the seed, the node and its boot. So is the order in which maps are walked and
//!   ready channels chosen. `math/rand` is, once `boot` has given it the boot's entropy as its seed.
//! - **A panic is a finding**, with its first line for evidence; so is a call that never ends, and memory without end.
//! - **What two nodes must agree on** about an entry are the bytes of `Entry`. Do not put the number of a request in.
//! - **Indexes begin at 1**, with the log that the scenario writes. A library whose members begin with a snapshot at its index
//!   1 shows everything one less, as both Go guests do.
//!
//! Nothing here is special to Go: `guests/README.md` is the page of the interface, `guests/splitbrain_guest.h` its numbers in C,
//! and `guests/plain-raft` a Raft in C behind it.
