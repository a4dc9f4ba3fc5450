package keys

func (k *Key) ForHeader(segment string) *Key {
	found, _ := k.forHeader(segment)
	return found
}

func (s *Set) ForHeader(segment string) *Key {
	found, _ := s.forHeader(segment)
	return found
}

func (r *Ring) ForHeader(segment string) *Key {
	found, _ := r.forHeader(segment)
	return found
}
