package model

import (
	"os"
	"strings"
	"testing"
)

// MustHold fails the test unless the search has visited all states and found nothing.
func MustHold(t *testing.T, r Result) {
	t.Helper()
	if r.Violation != "" || !r.Complete {
		t.Fatalf("complete: %v, %v", r.Complete, r)
	}
	t.Log(r)
}

// MustBreak fails the test unless the search has found a violation, and logs it.
func MustBreak(t *testing.T, r Result) {
	t.Helper()
	if r.Violation == "" {
		t.Fatalf("no counterexample: %v (complete: %v)", r, r.Complete)
	}
	t.Log(r)
}

// MustDescribe fails the test unless the page has a row for each of the rules.
func MustDescribe(t *testing.T, page string, rules []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		if !strings.Contains(string(text), "\n| "+rule+" |") {
			t.Errorf("%s has no row for the rule %q", page, rule)
		}
	}
}

// Large reports whether the environment asks for the searches that take minutes.
func Large() bool { return os.Getenv("MODEL") == "large" }
