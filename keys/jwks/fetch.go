package jwks

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jwtgate/gate/internal/keyhook"
	"github.com/jwtgate/gate/internal/safehttp"
	"github.com/jwtgate/gate/keys"
)

// get fetches the set.
func (r *Remote) get(ctx context.Context, old *state) (*state, error) {
	// The URL was checked when the Remote was made.
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if old != nil && old.etag != "" {
		req.Header.Set("If-None-Match", old.etag)
	}
	began := r.o.Clock()
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("keys/jwks: %w", err)
	}
	defer res.Body.Close()
	s := new(state)
	switch {
	case res.StatusCode == http.StatusOK:
		s, err = r.read(res)
	case res.StatusCode == http.StatusNotModified && old != nil:
		*s = *old
	default:
		err = fmt.Errorf("answered with status %d", res.StatusCode)
	}
	if err != nil {
		return nil, fmt.Errorf("keys/jwks: %s: %w", r.url, err)
	}
	s.fetched = began
	s.due = began.Add(min(max(freshness(res.Header, r.o.Refresh), r.o.Refresh/3, r.o.Cooldown), r.o.Refresh))
	s.closed = began.Add(r.o.MaxStale)
	return s, nil
}

// read reads the set from an answer.
func (r *Remote) read(res *http.Response) (*state, error) {
	text, err := safehttp.ReadBody(res)
	if err != nil {
		return nil, err
	}
	set, err := keys.ParsePublicSet(text, r.o.Algorithms...)
	if err != nil {
		return nil, err
	}
	if r.o.TryWithoutKeyID {
		set = set.TryWithoutKeyID()
	}
	s := &state{set: set, etag: res.Header.Get("ETag")}
	if s.issuers, err = readIssuers(text); err != nil {
		return nil, err
	}
	if s.issuers == nil {
		s.forHeader, _ = keyhook.ByHeader(set).(keyhook.Find[*keys.Key])
	}
	return s, nil
}

// freshness returns how long an answer may be used according to its headers (RFC 9111
// section 4.2). It returns the default if there are no such headers.
func freshness(h http.Header, without time.Duration) time.Duration {
	for directive := range strings.SplitSeq(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			return seconds(strings.Trim(value, `"`)) - seconds(h.Get("Age"))
		}
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return without
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return without
	}
	return expires.Sub(date)
}

// seconds reads a number of seconds, at most a year. It returns 0 if text is no number.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(min(n, 365*24*3600)) * time.Second
}
