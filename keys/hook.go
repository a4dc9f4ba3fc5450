package keys

import "github.com/jwtgate/gate/internal/keyhook"

func init() {
	keyhook.Register(func(source any) any {
		switch s := source.(type) {
		case *Key:
			return s.forHeader
		case *Set:
			return s.forHeader
		case *Ring:
			return s.forHeader
		}
		return nil
	})
}
