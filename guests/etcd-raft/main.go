// The Raft of etcd as a guest of the simulator: go.etcd.io/raft/v3, unmodified, through RawNode.
//
// It does what the library's documentation asks of an application: entries, hard state and snapshot are written in
// order before the messages of a Ready leave, committed entries are applied after, and Advance ends it; or, with
// async-storage-writes, the messages to the two storage threads are carried out and answered in order. A membership is
// in force when its entry is applied. Chance is the library's own, through crypto/rand.
//
// The library wants members to begin with a snapshot at an index above 0, so that newcomers learn of them. That
// snapshot stands at the library's index 1 and term 1, which the world sees as 0 and 0.
package main

import "splitbrain/guest"

const (
	timerTick = iota
	timerElection
	timerHeartbeat
)

const (
	noteAddressUnknown = iota
	noteChangeRejected
	noteMembershipAppended
	noteMembershipChanged
	noteMisrouted
	noteSnapshotSent
)

const declaration = `splitbrain 1
name etcd-raft
timer tick
timer election elects
timer heartbeat beats
keeps-own-time
note address-unknown
note conf-change-rejected
note membership-appended
note membership-changed
note misrouted
note snapshot-sent
role follower
role candidate
role leader
role pre-candidate
role learner
role uninitialised
message propose term
message append term log-term index commit entries
message append-response term index rejects hint
message vote term log-term index
message vote-response term rejects
message snapshot term index
message heartbeat term commit
message heartbeat-response term
message transfer-leader term
message timeout-now term
message read-index term
message read-index-response term index
message pre-vote term log-term index
message pre-vote-response term rejects
message other term
clock-option lease-reads
`

func main() {}

func init() {
	guest.Serve(guest.Protocol{
		Declaration:   declaration,
		CheckSettings: func(s guest.Settings) (string, string) { _, name, want := readSettings(s); return name, want },
		Format:        format,
		Boot:          boot,
	})
}
