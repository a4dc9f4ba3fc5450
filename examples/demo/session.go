package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/jwtgate/gate"
)

// authenticate returns the account with these credentials, or errNoAccount. It takes
// as long for a name that nobody has.
func (s *service) authenticate(ctx context.Context, c credentials) (*account, error) {
	if len(c.Password) > maxPassword {
		return nil, errNoAccount
	}
	stored := ""
	a, err := s.accounts.byName(ctx, c.Name)
	switch {
	case err == nil:
		stored = a.password
	case !errors.Is(err, errNoAccount):
		return nil, err
	}
	ok, err := s.hasher.matches(ctx, c.Password, stored)
	if err == nil && !ok {
		err = errNoAccount
	}
	return a, err
}

// generation is that of the account with this name, to be read before its password is: a
// login that has checked the old password then does not outlive its change.
func (s *service) generation(ctx context.Context, name string) (gate.Generation, error) {
	a, err := s.accounts.byName(ctx, name)
	if errors.Is(err, errNoAccount) {
		return gate.Generation{}, nil // authenticate says no
	}
	if err != nil {
		return gate.Generation{}, err
	}
	return s.gate.Generation(ctx, strconv.FormatInt(a.ID, 10))
}
