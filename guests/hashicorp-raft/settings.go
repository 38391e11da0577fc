package main

import (
	"time"

	"splitbrain/guest"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

const options = "one of the options pre-vote, shutdown-on-remove, trailing-entries, batch-entries-max or rpc-timeout"

type settings struct {
	config raft.Config
	// patience is how long a request waits for its answer.
	patience time.Duration
}

// Reads a scenario's settings, or says which is refused and what was expected. The library draws its timeouts from one to
// two times a setting; a leader speaks ten times in a heartbeat timeout.
func readSettings(common guest.Settings) (s settings, name, want string) {
	if len(common.Priority) > 0 {
		return s, "priority", "an empty list: HashiCorp's raft has no priorities"
	}
	election := time.Duration(common.ElectionMin)
	if election < 5*time.Millisecond {
		return s, "election", "at least 5 ms: the library accepts no less"
	}
	config := raft.DefaultConfig()
	config.HeartbeatTimeout, config.ElectionTimeout = election, election
	config.LeaderLeaseTimeout = election / 2
	config.CommitTimeout = min(time.Duration(common.Heartbeat), election/2)
	config.SnapshotInterval, config.SnapshotThreshold = 24*365*time.Hour, 1<<62
	config.TrailingLogs = 0
	config.Logger = hclog.NewNullLogger()
	config.ShutdownOnRemove = false
	s = settings{config: *config, patience: 2 * election}
	for _, option := range common.Options {
		on, isSwitch := option.Switch()
		count, isCount := option.Count()
		ok, expected := isSwitch, "true or false"
		switch option.Name {
		case "pre-vote":
			preVote(&s.config, on)
		case "shutdown-on-remove":
			s.config.ShutdownOnRemove = on
		case "trailing-entries":
			s.config.TrailingLogs = option.Number
			ok, expected = option.Kind == 'n', "a whole number"
		case "batch-entries-max":
			s.config.MaxAppendEntries = int(min(count, 1024))
			ok, expected = isCount, "a whole number of at least 1"
		case "rpc-timeout":
			s.patience = time.Duration(option.Number)
			ok, expected = option.Kind == 't' && option.Number > 0, "a duration such as 500ms"
		default:
			return s, option.Name, options
		}
		if !ok {
			return s, option.Name, expected
		}
	}
	return s, "", ""
}
