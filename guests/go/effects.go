package guest

// What a call's answer begins its items with; see the interface's page.
const (
	itemPersist = iota + 1
	itemSend
	itemSetTimer
	itemCancelTimer
	itemApply
	itemRestore
	itemServe
	itemRefuse
	itemDone
	itemShutDown
	itemNote
	itemMembers
	itemStatus
)

// What a write consists of.
const (
	partEntry = iota + 1
	partCut
	partCompact
	partSnapshot
	partCell
)

// Why a request is refused.
const (
	refusalNotLeader = iota + 1
	refusalLeadershipLost
	refusalBusy
	refusalUnsupported
	refusalRule
)

// Nobody stands where a node could.
const Nobody = ^uint32(0)

// Effects is what a node asks of the world in one call, in the order in which it must be done. An effect is a
// licence: it may be done at once, so a message that vouches for a write is sent when the write is durable.
type Effects struct {
	w     Writer
	write uint64
	// parts of the write that is being put together.
	parts Writer
	count uint32
}

// Entry adds to the write: the log ends with this entry. Epoch and data are what two nodes must agree on.
func (out *Effects) Entry(index, epoch uint64, data []byte) {
	out.part(partEntry)
	out.parts.Uint64(index)
	out.parts.Uint64(epoch)
	out.parts.Bytes(data)
}

// Cut adds to the write: entries from this index on are gone.
func (out *Effects) Cut(from uint64) {
	out.part(partCut)
	out.parts.Uint64(from)
}

// Compact adds to the write: entries through this index are gone, and the log goes on after it. Epoch is that of the
// entry there.
func (out *Effects) Compact(through, epoch uint64) {
	out.part(partCompact)
	out.parts.Uint64(through)
	out.parts.Uint64(epoch)
}

// Snapshot adds to the write: this snapshot stands for everything through its index. It leaves the log as it is.
func (out *Effects) Snapshot(through, epoch uint64, data []byte) {
	out.part(partSnapshot)
	out.parts.Uint64(through)
	out.parts.Uint64(epoch)
	out.parts.Bytes(data)
}

// Cell adds to the write: a small value by its number, such as term and vote.
func (out *Effects) Cell(number uint32, value []byte) {
	out.part(partCell)
	out.parts.Uint32(number)
	out.parts.Bytes(value)
}

func (out *Effects) part(kind byte) {
	out.count++
	out.parts.Byte(kind)
}

// Persist issues the write that was put together, and says its number: Persisted answers with it. Without parts it
// is the last write's number. A torn write keeps its first parts.
func (out *Effects) Persist() uint64 {
	if out.count == 0 {
		return out.write
	}
	out.write++
	out.w.Byte(itemPersist)
	out.w.Uint64(out.write)
	out.w.Uint32(out.count)
	out.w.Frame = append(out.w.Frame, out.parts.Frame...)
	out.parts.Frame, out.count = out.parts.Frame[:0], 0
	return out.write
}

// Send sends a message of a declared kind to whoever is reached at an address. Numbers are for people who read a
// trace, by the names that the declaration gives them.
func (out *Effects) Send(to, address uint32, kind byte, data []byte, numbers ...uint64) {
	out.w.Byte(itemSend)
	out.w.Uint32(to)
	out.w.Uint32(address)
	out.w.Byte(kind)
	out.w.Byte(byte(len(numbers)))
	for _, number := range numbers {
		out.w.Uint64(number)
	}
	out.w.Bytes(data)
}

// SetTimer sets a declared timer, in nanoseconds of the node's own clock from now; setting it again replaces it.
func (out *Effects) SetTimer(timer byte, min, max uint64) {
	out.w.Byte(itemSetTimer)
	out.w.Byte(timer)
	out.w.Uint64(min)
	out.w.Uint64(max)
}

// CancelTimer stops a declared timer.
func (out *Effects) CancelTimer(timer byte) {
	out.w.Byte(itemCancelTimer)
	out.w.Byte(timer)
}

// Apply hands a committed command to the machine. Indexes rise.
func (out *Effects) Apply(index uint64, command []byte) {
	out.w.Byte(itemApply)
	out.w.Uint64(index)
	out.w.Bytes(command)
}

// Restore replaces the machine's state.
func (out *Effects) Restore(through uint64, state []byte) {
	out.w.Byte(itemRestore)
	out.w.Uint64(through)
	out.w.Bytes(state)
}

// Serve answers a read from the machine as it is now.
func (out *Effects) Serve(request uint64) {
	out.w.Byte(itemServe)
	out.w.Uint64(request)
}

// Done says that an operation is done.
func (out *Effects) Done(request uint64) {
	out.w.Byte(itemDone)
	out.w.Uint64(request)
}

// NotLeader refuses a request: somebody else leads (or Nobody is known to). It certainly did not happen.
func (out *Effects) NotLeader(request uint64, hint uint32) {
	out.refuse(request, refusalNotLeader)
	out.w.Uint32(hint)
}

// LeadershipLost refuses a request whose outcome is unknown.
func (out *Effects) LeadershipLost(request uint64) { out.refuse(request, refusalLeadershipLost) }

// Busy refuses a request that may be asked again.
func (out *Effects) Busy(request uint64) { out.refuse(request, refusalBusy) }

// Unsupported refuses what this protocol does not have.
func (out *Effects) Unsupported(request uint64) { out.refuse(request, refusalUnsupported) }

// Rule refuses a request for the protocol's own reason, a word in kebab case.
func (out *Effects) Rule(request uint64, word string) {
	out.refuse(request, refusalRule)
	out.w.Text(word)
}

func (out *Effects) refuse(request uint64, why byte) {
	out.w.Byte(itemRefuse)
	out.w.Uint64(request)
	out.w.Byte(why)
}

// ShutDown ends the process on purpose.
func (out *Effects) ShutDown() { out.w.Byte(itemShutDown) }

// Note notes a declared situation for readers of reports.
func (out *Effects) Note(note byte) {
	out.w.Byte(itemNote)
	out.w.Byte(note)
}

// Members says who takes part from now on: voter sets that must each agree, learners, and where everybody is reached.
// To be told at boot, and whenever it changes.
func (out *Effects) Members(sets [][]uint32, learners []uint32, nodes []uint32, addresses []uint32) {
	out.w.Byte(itemMembers)
	out.w.Uint32(uint32(len(sets)))
	for _, set := range sets {
		out.w.nodes(set)
	}
	out.w.nodes(learners)
	out.w.nodes(nodes)
	out.w.nodes(addresses)
}

// Status is what a node shows to checkers after each call.
type Status struct {
	// Epoch is the reign that the node takes part in: Raft's term.
	Epoch uint64
	// Leads says whether it believes that it leads in it.
	Leads bool
	// Role is a declared role.
	Role byte
	// Commit is the index through which it knows the log to be committed.
	Commit uint64
	// Applied is the index through which commands were handed to the machine.
	Applied uint64
	// Last is the index of its last entry.
	Last uint64
	// Vote is whom it voted for in this epoch, or Nobody.
	Vote uint32
	// Leader is whom it follows, or Nobody.
	Leader uint32
}

func (out *Effects) status(status Status) {
	out.w.Byte(itemStatus)
	out.w.Uint64(status.Epoch)
	leads := byte(0)
	if status.Leads {
		leads = 1
	}
	out.w.Byte(leads)
	out.w.Byte(status.Role)
	out.w.Uint64(status.Commit)
	out.w.Uint64(status.Applied)
	out.w.Uint64(status.Last)
	out.w.Uint32(status.Vote)
	out.w.Uint32(status.Leader)
}
