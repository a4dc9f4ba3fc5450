package gate

import (
	"errors"
	"slices"
)

// locate is step 1. It tries the next location only where the token is missing. found is
// empty where no location has a token and p is Optional or Public.
func (g *Gate) locate(r Request, p *Policy) (found, error) {
	f, missing, err := g.search(r, p, p.want(), nil)
	if p.Type == AnyTokenType && err == nil && f.raw == "" && !g.compat.OnePlace {
		f, missing, err = g.search(r, p, Refresh, missing)
	}
	switch {
	case err != nil:
		return found{}, err
	case f.raw != "" || p.Optional || p.Public:
		return f, nil
	case len(missing) == 1:
		return found{}, missing[0]
	}
	return found{}, &Error{Kind: ErrMissing, Reason: "missing", Err: errors.Join(missing...)}
}

// search tries the locations in order for a token of type want, and adds to missing
// what each of them misses.
func (g *Gate) search(r Request, p *Policy, want TokenType, missing []error) (found, []error, error) {
	again := len(missing) > 0 // places that are the same for all types were tried
	locations := g.locations(p)
	for i := range locations {
		l := &locations[i]
		if !l.takes(want) || again && !l.typed {
			continue
		}
		raw, choice, err := l.find(g, r, want)
		f := found{raw: raw, choice: choice, location: l.name}
		if err == nil && l.csrf && !p.SkipCSRF {
			f.csrf, f.check, err = g.checkSender(r, want)
		}
		if err == nil {
			return f, nil, nil
		}
		err.Location = l.name
		switch err.Kind {
		case ErrMissing:
			missing = append(missing, err)
		case nil:
			return found{}, nil, err.Err
		default:
			return found{}, nil, err
		}
	}
	return found{}, missing, nil
}

// locations returns the locations of a route.
func (g *Gate) locations(p *Policy) []Location {
	if len(p.Locations) > 0 {
		return p.Locations
	}
	return g.cfg.Locations
}

// takes reports whether a token of type want is looked for in l.
func (l *Location) takes(want TokenType) bool {
	return len(l.only) == 0 || slices.Contains(l.only, want)
}
