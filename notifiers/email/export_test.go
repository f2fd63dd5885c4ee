package email

// Paths gives the paths that a target stands for in the conversation.
func Paths(t Target) (paths []string, err error) {
	to, cc, err := t.addresses()
	if err != nil {
		return nil, err
	}
	for _, address := range append(to, cc...) {
		paths = append(paths, smtpPath(address.Address))
	}
	return paths, nil
}
