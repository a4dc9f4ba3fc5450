package docs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// callbacks, exceptions and functions are those of Flask-JWT-Extended 4.7.
var (
	callbacks = words(`additional_claims_loader additional_headers_loader decode_key_loader encode_key_loader
		expired_token_loader invalid_token_loader needs_fresh_token_loader revoked_token_loader
		token_in_blocklist_loader token_verification_failed_loader token_verification_loader
		unauthorized_loader user_identity_loader user_lookup_error_loader user_lookup_loader`)
	exceptions = words(`JWTDecodeError InvalidHeaderError InvalidQueryParamError NoAuthorizationError CSRFError
		WrongTokenError RevokedTokenError FreshTokenRequired UserLookupError UserClaimsVerificationError`)
	functions = words(`JWTManager(app) JWTManager.init_app(app) add_context_processor jwt_required()
		verify_jwt_in_request() create_access_token() create_refresh_token() current_user get_current_user()
		decode_token() get_csrf_token() get_jti() get_jwt() get_jwt_header() get_jwt_identity()
		get_jwt_request_location() get_unverified_jwt_headers() set_access_cookies() set_refresh_cookies()
		unset_access_cookies() unset_jwt_cookies() unset_refresh_cookies()`)
	arguments = words(`jwt_required(optional) jwt_required(fresh) jwt_required(refresh) jwt_required(locations)
		jwt_required(verify_type) jwt_required(skip_revocation_check) create_access_token(identity)
		create_access_token(fresh) create_access_token(expires_delta) create_access_token(additional_claims)
		create_access_token(additional_headers) decode_token(csrf_value) decode_token(allow_expired)
		set_access_cookies(max_age) set_access_cookies(domain) unset_access_cookies(domain)`)
)

func words(s string) []string { return strings.Fields(s) }

// TestFromFlask: the tables have everything that the original has, once, and a
// counterpart for it. That the counterparts exist is TestNames' business.
func TestFromFlask(t *testing.T) {
	page := read(t, "docs/from-flask.md")
	options := optionsOfSource(t)
	if len(options) != 43 {
		t.Errorf("package flask has %d options of the original, want 43", len(options))
	}
	for _, tt := range []struct {
		heading string
		want    []string
	}{
		{"Option", options},
		{"Callback", callbacks},
		{"Exception", exceptions},
		{"Function", functions},
		{"Function and argument", arguments},
	} {
		t.Run(tt.heading, func(t *testing.T) {
			var got []string
			for _, r := range table(page, tt.heading) {
				got = append(got, code(r[0]))
				if !goName.MatchString(r[1]) {
					t.Errorf("%s has no counterpart but %q", r[0], r[1])
				}
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(tt.want)); !slices.Equal(got, want) {
				t.Errorf("the table has %q, want %q", got, want)
			}
		})
	}
}

var jwtOption = regexp.MustCompile(`(?m)^\t"(JWT_\w+)": `)

// optionsOfSource reads the options out of package flask.
func optionsOfSource(t *testing.T) (options []string) {
	t.Helper()
	for _, m := range jwtOption.FindAllStringSubmatch(read(t, "flask/table.go"), -1) {
		options = append(options, m[1])
	}
	return options
}

// TestDeviations: the last table of the page of differences is made of the deviations' reasons.
func TestDeviations(t *testing.T) {
	var all map[string]struct{ Kind, Reason string }
	if err := json.Unmarshal([]byte(read(t, "flask/testdata/deviations.json")), &all); err != nil {
		t.Fatal(err)
	}
	cases := make(map[string]int)
	for _, d := range all {
		cases["| "+d.Kind+" | "+d.Reason+" |"]++
	}
	var rows strings.Builder
	for _, r := range slices.Sorted(maps.Keys(cases)) {
		fmt.Fprintf(&rows, "%s %d |\n", r, cases[r])
	}
	if want := "| Kind | Difference | Cases |\n|---|---|---|\n" + rows.String(); !strings.HasSuffix(read(t, "docs/flask-differences.md"), want) {
		t.Errorf("flask-differences.md should end with this table:\n%s", want)
	}
}

// TestManual: every chapter of the manual has a row, and the row a link. That links lead
// somewhere is TestLinks' business.
func TestManual(t *testing.T) {
	rows := make(map[string]string)
	for _, r := range table(read(t, "docs/from-flask.md"), "Chapter") {
		rows[r[0]] = r[1]
	}
	chapters := strings.Split(strings.TrimSpace(read(t, "docs/testdata/flask-manual.txt")), "\n")
	for _, chapter := range chapters {
		if !link.MatchString(rows[chapter]) {
			t.Errorf("from-flask.md has no link for the chapter %q", chapter)
		}
	}
	if len(rows) != len(chapters) {
		t.Errorf("from-flask.md has %d chapters, the manual has %d", len(rows), len(chapters))
	}
}
