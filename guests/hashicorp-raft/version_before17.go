//go:build before17

package main

import "github.com/hashicorp/raft"

func preVote(*raft.Config, bool) {}

func newPreVoteRequest() any { panic("a version without pre-votes") }

func numbersOfPreVote(any) []uint64 { return nil }
