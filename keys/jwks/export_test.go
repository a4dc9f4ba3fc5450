package jwks

import "github.com/jwtgate/gate/keys"

func (r *Remote) ForHeader(segment string) *keys.Key { return r.forHeader(segment) }
