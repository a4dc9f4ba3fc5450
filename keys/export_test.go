package keys

func (k *Key) ForHeader(segment string) *Key  { return k.forHeader(segment) }
func (s *Set) ForHeader(segment string) *Key  { return s.forHeader(segment) }
func (r *Ring) ForHeader(segment string) *Key { return r.forHeader(segment) }
