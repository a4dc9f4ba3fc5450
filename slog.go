package gate

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// SlogEvents returns a [Config.OnEvent] that logs events with l: the name as message,
// and as attributes the token (type, subject, ID and session), reason, location and error.
//
// Levels: Debug for accepted tokens; Info for created, renewed, missing and expired ones;
// Warn for other refusals; Error for failures. Of events that have an error, at most ten
// of the same name and reason are logged in a second, since attackers and outages can
// cause many. The next one has the number that was left out as "dropped".
func SlogEvents(l *slog.Logger) func(context.Context, Event) {
	s := sampler{counts: map[string]*sample{}}
	return func(ctx context.Context, e Event) {
		level := e.level()
		if !l.Enabled(ctx, level) {
			return
		}
		attrs := e.attrs()
		if e.Err != nil {
			log, dropped := s.take(e.Name+" "+reasonOf(e.Err), time.Now())
			if !log {
				return
			}
			if dropped > 0 {
				attrs = append(attrs, slog.Int("dropped", dropped))
			}
		}
		l.LogAttrs(ctx, level, e.Name, attrs...)
	}
}

func (e Event) level() slog.Level {
	switch {
	case e.Name == TokenAccepted:
		return slog.LevelDebug
	case e.Err == nil, kindOf(e.Err) == ErrMissing, kindOf(e.Err) == ErrExpired:
		return slog.LevelInfo
	case kindOf(e.Err) != nil:
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (e Event) attrs() []slog.Attr {
	var attrs []slog.Attr
	if e.Token != nil {
		attrs = append(attrs, slog.Any("token", e.Token))
	}
	location := ""
	if refused := (*Error)(nil); errors.As(e.Err, &refused) {
		attrs = append(attrs, slog.String("reason", refused.Reason))
		location = refused.Location
	}
	if location == "" && e.Token != nil {
		location = e.Token.Location()
	}
	if location != "" {
		attrs = append(attrs, slog.String("location", location))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}

// reasonOf is the Reason of a refusal, or "".
func reasonOf(err error) string {
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

const (
	samplesPerSecond = 10
	samplerKeys      = 256 // events of more names and reasons share one count
)

// sampler lets a few events of each key through in a second.
type sampler struct {
	mu     sync.Mutex
	counts map[string]*sample
}

type sample struct {
	since         time.Time
	seen, dropped int
}

// take reports whether to log an event, and how many of its key were left out before.
func (s *sampler) take(key string, now time.Time) (log bool, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[key]
	if c == nil && len(s.counts) >= samplerKeys {
		key = ""
		c = s.counts[key]
	}
	if c == nil {
		c = &sample{since: now}
		s.counts[key] = c
	}
	if now.Sub(c.since) >= time.Second {
		c.since, c.seen = now, 0
	}
	if c.seen++; c.seen > samplesPerSecond {
		c.dropped++
		return false, 0
	}
	dropped, c.dropped = c.dropped, 0
	return true, dropped
}
