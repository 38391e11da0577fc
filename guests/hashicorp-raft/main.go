// The Raft of HashiCorp as a guest of the simulator: github.com/hashicorp/raft, unmodified, with its goroutines.
//
// A call lasts until every goroutine waits. Stores answer when the disk has; the transport sends requests and answers
// as messages, and gives up after a while, as a connection would. Timers are the library's own: their first deadline is
// when the simulator calls again.
//
// Members begin with a snapshot that names them, at the library's index 1 and term 1, which the world sees as 0 and 0.
package main

import (
	"splitbrain/guest"

	"github.com/hashicorp/raft"
)

const timerElection = 0

const (
	noteMembershipAppended = iota
	noteMisrouted
	noteSnapshotSent
)

// Roles are the library's states, and who is no voter.
const (
	roleLearner = iota + 4
	roleUninitialised
)

const declaration = `splitbrain 1
name hashicorp-raft
timer election elects
keeps-own-time
note membership-appended
note misrouted
note snapshot-sent
role follower
role candidate
role leader
role shut-down
role learner
role uninitialised
message vote term log-term index
message vote-response term granted
message pre-vote term log-term index
message pre-vote-response term granted
message append term log-term index commit entries
message append-response term index success
message snapshot term index
message snapshot-response term success
message timeout-now
message timeout-now-response
`

func main() {}

func init() {
	guest.Serve(guest.Protocol{
		Declaration:   declaration,
		CheckSettings: func(s guest.Settings) (string, string) { _, name, want := readSettings(s); return name, want },
		Format:        format,
		Boot:          boot,
		Threads:       true,
	})
}

// The world's number of a library's index or term, and back.
func out(number uint64) uint64 {
	if number == 0 {
		return 0
	}
	return number - 1
}

func in(number uint64) uint64 { return number + 1 }

var states = map[raft.RaftState]byte{raft.Follower: 0, raft.Candidate: 1, raft.Leader: 2, raft.Shutdown: 3}
