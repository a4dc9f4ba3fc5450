package jwks

import "github.com/jwtgate/gate/keys"

func (r *Remote) ForHeader(segment string) *keys.Key {
	found, _ := r.forHeader(segment)
	return found
}
