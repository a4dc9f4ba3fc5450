package model_test

import (
	"slices"
	"testing"

	"github.com/jwtgate/gate/internal/model"
)

// jugs is the riddle of two jugs that hold 3 and 5: which way leads to 4?
type jugs struct{ small, large int8 }

func pourings(j jugs) []model.Step[jugs] {
	down, up := min(j.small, 5-j.large), min(j.large, 3-j.small)
	return []model.Step[jugs]{
		{To: jugs{3, j.large}, What: "fill the small jug"},
		{To: jugs{j.small, 5}, What: "fill the large jug"},
		{To: jugs{0, j.large}, What: "empty the small jug"},
		{To: jugs{j.small, 0}, What: "empty the large jug"},
		{To: jugs{j.small - down, j.large + down}, What: "pour %d down", Args: [4]int8{down}},
		{To: jugs{j.small + up, j.large - up}, What: "pour %d up", Args: [4]int8{up}},
	}
}

func TestSearchFindsShortestTrace(t *testing.T) {
	sys := model.System[jugs]{Next: pourings, Violation: func(j jugs) string {
		if j.large == 4 {
			return "four"
		}
		return ""
	}}
	got := sys.Search(100)
	want := []string{
		"1. fill the large jug", "2. pour 3 up", "3. empty the small jug",
		"4. pour 2 up", "5. fill the large jug", "6. pour 1 up",
	}
	if got.Violation != "four" || !slices.Equal(got.Trace, want) {
		t.Errorf("Search = %v, want four by %q", got, want)
	}
}

func TestSearchVisitsAll(t *testing.T) {
	sys := model.System[jugs]{Next: pourings, Violation: func(jugs) string { return "" }}
	if got := sys.Search(100); !got.Complete || got.States != 16 {
		t.Errorf("Search = %v (complete: %v), want all 16 states", got, got.Complete)
	}
	if got := sys.Search(10); got.Complete {
		t.Errorf("Search to a limit of 10 = %v, and complete", got)
	}
}

func TestRules(t *testing.T) {
	some := model.All(3).Without(1)
	for rule, want := range []bool{true, false, true, false} {
		if got := some.Has(model.Rule(rule)); got != want {
			t.Errorf("Has(%d) = %v, want %v", rule, got, want)
		}
	}
}
