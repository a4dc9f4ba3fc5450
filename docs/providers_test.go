package docs_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate/oidc"
)

// profiles are those of package oidc, by their names.
var profiles = map[string]func() oidc.Profile{
	"RFC9068": oidc.RFC9068, "EntraV1": oidc.EntraV1, "EntraV2": oidc.EntraV2, "EntraB2C": oidc.EntraB2C, "Auth0": oidc.Auth0,
	"Okta": oidc.Okta, "Keycloak": oidc.Keycloak, "Cognito": oidc.Cognito, "Google": oidc.Google, "Firebase": oidc.Firebase,
	"GitHubActions": oidc.GitHubActions, "GitLab": oidc.GitLab, "Kubernetes": oidc.Kubernetes,
}

var (
	backquoted  = regexp.MustCompile("`([^`]+)`")
	profileRow  = regexp.MustCompile("^\\|[^|]+\\| `oidc\\.(\\w+)` \\|")
	profileFunc = regexp.MustCompile(`(?m)^func (\w+)\(\) Profile`)
)

// quoted returns what a cell has in backquotes.
func quoted(cell string) (all []string) {
	for _, m := range backquoted.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// TestProviders compares the table of providers.md with the profiles.
func TestProviders(t *testing.T) {
	found := make(map[string]bool)
	for line := range strings.Lines(read(t, "docs/providers.md")) {
		m := profileRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := m[1]
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if profiles[name] == nil || len(cells) != 6 {
			t.Fatalf("no profile and no row of six cells: %s", line)
		}
		found[name] = true
		p := profiles[name]()
		checkRow(t, name, p, cells)
	}
	all := profileFunc.FindAllStringSubmatch(read(t, "oidc/providers.go"), -1)
	for _, m := range all {
		if !found[m[1]] {
			t.Errorf("the table has no row for oidc.%s", m[1])
		}
	}
	if len(all) != len(profiles) {
		t.Errorf("%d profiles in the source, %d in this test", len(all), len(profiles))
	}
}

// checkRow compares a row with its profile.
func checkRow(t *testing.T, name string, p oidc.Profile, cells []string) {
	t.Helper()
	needed := slices.Collect(maps.Keys(p.Claims))
	if p.AudienceClaim != "" {
		needed = append(needed, p.AudienceClaim)
	}
	absent := slices.Sorted(slices.Values(p.Absent))
	slices.Sort(needed)
	if got := quoted(cells[2]); !slices.Equal(got, needed) {
		t.Errorf("%s needs %q, and the table says %q", name, needed, got)
	}
	for claim, values := range p.Claims {
		if len(values) > 0 && !strings.Contains(cells[2], "`"+claim+"` = "+values[0]) {
			t.Errorf("%s: the table lacks the value %q of %s", name, values[0], claim)
		}
	}
	if got := quoted(cells[3]); !slices.Equal(got, absent) {
		t.Errorf("%s refuses %q, and the table says %q", name, absent, got)
	}
	if strings.Contains(cells[4], "needed") == p.Lenient.NoID {
		t.Errorf("%s: the table is wrong about jti", name)
	}
	narrow := strings.Contains(cells[5], "**one of**")
	if got := quoted(cells[5]); narrow != (p.Narrow != nil) || narrow && !slices.Equal(got, p.Narrow) {
		t.Errorf("%s has to be limited by one of %q, and the table says %q", name, p.Narrow, got)
	}
}
