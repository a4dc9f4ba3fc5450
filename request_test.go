package gate_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jwtgate/gate"
)

// What the gate reads of a request of net/http.
func TestRequestOfHTTP(t *testing.T) {
	var got []string
	ask := gate.LocationFunc("ask", func(r gate.Request, _ gate.TokenType) (string, error) {
		got = append(got, r.Host(), r.PathValue("id"), r.PathValue("none"))
		for _, name := range []string{"X-API-Key", "X-Api-Key", "x-api-key", "X-None", "lower"} {
			got = append(got, strings.Join(r.Header(name), ","))
		}
		return "", nil
	})
	g := newGate(t, gate.Config{Locations: []gate.Location{ask}})
	r := request("GET", "http://api.example.com:8080/items/a%2Fb", "X-API-Key: k1", "X-Api-Key: k2")
	r.Header["lower"] = []string{"as it is"}
	mux := http.NewServeMux()
	mux.Handle("/items/{id}", g.Require(gate.Policy{Optional: true})(http.NotFoundHandler()))
	mux.ServeHTTP(httptest.NewRecorder(), r)
	want := []string{"api.example.com:8080", "a/b", "", "k1,k2", "k1,k2", "k1,k2", "", "as it is"}
	if !slices.Equal(got, want) {
		t.Errorf("read of the request: %q, want %q", got, want)
	}
}

// Files of an uploaded form are removed by the server, and the pattern of an inner
// router is seen by what is outside, although guards hand on a copy of the request.
func TestHandsBack(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	g := newGate(t, gate.Config{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload/{name}", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 10); err != nil {
			t.Error(err)
		}
		if files, _ := os.ReadDir(os.TempDir()); len(files) != 1 {
			t.Errorf("%d temporary files while the handler runs, want 1", len(files))
		}
	})
	var pattern string
	guarded := g.Renew(gate.RenewOptions{})(g.Require(gate.Policy{})(mux))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guarded.ServeHTTP(w, r)
		pattern = r.Pattern
	}))
	defer s.Close()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part := must(form.CreateFormFile("file", "large"))
	part.Write(bytes.Repeat([]byte("x"), 1<<20))
	form.Close()
	r := must(http.NewRequest("POST", s.URL+"/upload/a", &body))
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+token())
	resp := must(http.DefaultClient.Do(r))
	resp.Body.Close()
	s.Close()
	if files, _ := os.ReadDir(os.TempDir()); len(files) != 0 || resp.StatusCode != 200 || pattern != "POST /upload/{name}" {
		t.Errorf("status %d, pattern %q, %d temporary files left; want 200, that of the router, none", resp.StatusCode, pattern, len(files))
	}
}

func TestFromPath(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromPath("token"), gate.FromHeader("Authorization", "Bearer")}})
	for _, tt := range []struct{ name, path, want string }{
		{"token", "/reset/" + token(), "ok"},
		{"bad token", "/reset/x", "segments"},
		{"no wildcard", "/other", "missing"},
		{"empty wildcard", "/all/", "missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			mux := http.NewServeMux()
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				var tok *gate.Token
				if tok, err = g.Check(r, gate.Policy{}); err == nil && tok.Location() != "path" {
					t.Errorf("location = %q, want path", tok.Location())
				}
			})
			mux.Handle("/reset/{token}", h)
			mux.Handle("/all/{token...}", h)
			mux.Handle("/other", h)
			mux.ServeHTTP(httptest.NewRecorder(), request("GET", tt.path))
			checkVerdict(t, err, tt.want)
		})
	}
}

// What is looked at in a header is bounded, and what is under the bound is not refused.
func TestHeaderBounds(t *testing.T) {
	raw := token()
	many := func(n int, value string) []string { return slices.Repeat([]string{value}, n) }
	for _, tt := range []struct {
		name   string
		header string
		values []string
		want   string
	}{
		{"a token of the largest size", "Authorization", []string{"Bearer " + strings.Repeat("x", 8<<10)}, "segments"},
		{"a larger token", "Authorization", []string{"Bearer " + strings.Repeat("x ", 4<<10) + "x"}, "too_large"},
		{"a large ticket of another scheme", "Authorization", []string{"Negotiate " + strings.Repeat("x", 64<<10)}, "ok"},
		{"100 values", "Authorization", many(100, "Basic x"), "ok"},
		{"101 values", "Authorization", many(101, "Basic x"), "ambiguous"},
		{"64 KiB of cookies", "Cookie", []string{"a=" + strings.Repeat("x", 64<<10-2)}, "missing"},
		{"more cookies", "Cookie", []string{"a=" + strings.Repeat("x", 32<<10), "b=" + strings.Repeat("x", 32<<10)}, "header_too_large"},
		{"100 cookies of the name", "Cookie", many(100, "access_token_cookie="+raw), "ok"},
		{"a media type of 1 KiB", "Content-Type", []string{"application/json;a=" + strings.Repeat("x", 1<<10-19)}, "missing"},
		{"a longer media type", "Content-Type", []string{"application/json;a=" + strings.Repeat("x", 1<<10-18)}, "header_too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			locations := []gate.Location{gate.FromHeader("Authorization", "Bearer"), gate.FromCookies(), gate.FromJSON("access_token", "refresh_token")}
			g := newGate(t, gate.Config{Locations: locations})
			r := request("GET", "/")
			r.Header[tt.header] = tt.values
			if tt.header == "Authorization" && tt.want == "ok" { // the token is in the next place
				r.Header.Set("Cookie", "access_token_cookie="+raw)
			}
			_, err := g.Check(r, gate.Policy{})
			checkVerdict(t, err, tt.want)
		})
	}
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromCookies()}})
	r := request("POST", "/", "Cookie: access_token_cookie="+raw, "X-CSRF-TOKEN: canary-csrf-1", "Origin: http://"+strings.Repeat("x", 1<<10))
	_, err := g.Check(r, gate.Policy{})
	checkVerdict(t, err, "csrf_origin")
}

func TestQueryBounds(t *testing.T) {
	g := newGate(t, gate.Config{Locations: []gate.Location{gate.FromQuery("jwt", "")}})
	for n, want := range map[int]string{100: "ok", 101: "ambiguous", 9999: "ambiguous", 10_000: "missing_query"} {
		_, err := g.Check(request("GET", "/?"+strings.Repeat("jwt="+token()+"&", n)), gate.Policy{})
		checkVerdict(t, err, want)
	}
}

// FuzzQuery compares the gate's reading of a query with that of net/url.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"jwt=a", "jwt=a&jwt=b", "j%77t=%61&&jwt", "jwt=a;b&jwt=%zz&%zz=1&jwt=1=2", "jw+t=1&JWT=2&=jwt", "&jwt=&a=b+c"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Count(query, "&") > 1000 {
			t.Skip("net/url has a limit of its own")
		}
		for _, name := range []string{"jwt", "a b", ""} {
			var got []string
			ask := gate.LocationFunc("ask", func(r gate.Request, _ gate.TokenType) (string, error) {
				got = r.Query(name)
				return "", nil
			})
			g := newGate(t, gate.Config{Locations: []gate.Location{ask}})
			r := (&http.Request{Method: "GET", URL: &url.URL{RawQuery: query}}).WithContext(context.Background())
			if _, err := g.Check(r, gate.Policy{Optional: true}); err != nil {
				t.Fatal(err)
			}
			all, _ := url.ParseQuery(query)
			if want := all[name]; len(want) <= 100 && !slices.Equal(got, want) {
				t.Errorf("values of %q in %q = %q, want %q", name, query, got, want)
			}
		}
	})
}
